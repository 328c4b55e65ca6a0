// The lab's words in Simplified Chinese. The other Chinese tables keep to the same glossary:
//
//   rank          rank（不译）       generation   代              checkpoint       检查点
//   room          房间              incarnation  世系            micro-batch      微批次
//   step          步                regroup      重组            gradient         梯度
//   seat          席位              heal         补齐状态         all-reduce       全归约
//   witness       见证者            donor        供给方          loss, accuracy   损失、准确率
//   quorum        法定人数           majority     多数派           goodput          有效吞吐
//   vote          表决              heartbeat    心跳            fault, inject    故障、注入
//   link (net)    链路              link (URL)   链接            kill, freeze     杀死、冻结
//   invariant     不变量            fenced off   隔离            loader           数据加载器
//   held out      留出集            engine       计算引擎         fixed point      定点
//
// A number, a Latin word and Chinese text have a blank between them.

import { PRESET_NAMES } from '../job/presets.ts';
import { MAX_WIRE_BITS, MIN_WIRE_BITS } from '../job/wire-schema.ts';
import type { RefusalCode } from '../transport/refusal.ts';
import { count } from './format.ts';
import type { Words } from './words-en.ts';

const REFUSALS: Readonly<Record<RefusalCode, string>> = {
  'wrong-secret': '密钥错误',
  version: '版本不同',
  timeout: '未及时证明',
  malformed: '没有握手',
  'duplicate-member': '标识已被占用',
  self: '自己的标识',
  misbehaved: '违反规则',
  dropped: '主动关闭',
  'linked-otherwise': '已有其他链路',
  flood: '呼叫过多',
};

export const chinese: Words = {
  name: 'Rankfall',
  speak: { label: 'English', lang: 'en', means: '用英文显示本页' },
  roomStates: {
    opening: '正在打开',
    joining: '正在加入',
    ready: '可以开始训练',
    paused: '已暂停',
    training: '训练中',
    regrouping: '重组中',
    done: '已完成',
    stuck: '没有多数派',
    stopped: '已停止',
    empty: '这里没有 rank',
  },
  activities: {
    starting: '启动中',
    joining: '加入中',
    regrouping: '重组中',
    healing: '补齐状态中',
    idle: '就绪',
    training: '训练中',
    done: '完成',
    stuck: '受阻',
    stopped: '已停止',
    gone: '已消失',
    silent: '没有应答',
  },
  topics: {
    membership: '成员',
    state: '状态与检查点',
    faults: '故障与引擎',
    votes: '表决',
    links: '链路',
    steps: '每一步',
  },
  faults: {
    kill: { name: '杀死', does: '这个 rank 一声不响地消失，其他 rank 必须自己发现。' },
    close: { name: '关闭', does: '这个 rank 像关闭标签页那样离开：还会道别。' },
    freeze: {
      name: '冻结',
      does: '这个 rank 停止应答一段时间，醒来后以为什么也没有发生：一个“僵尸”。',
    },
    cut: { name: '切断链路', does: '这个 rank 与某个对端之间的消息消失，而双方都正常运行。' },
    delay: { name: '延迟消息', does: '这个 rank 的每条消息都迟到。' },
    corrupt: { name: '损坏消息', does: '消息在途中偶尔会有一位被翻转。' },
    jitter: { name: '抖动', does: '这个 rank 的每条消息都迟到，每次迟到的时间都不同。' },
    'limit-bandwidth': { name: '限制带宽', does: '这个 rank 的链路每秒只能传输这么多字节。' },
    'hold-link': { name: '扣住消息', does: '这个 rank 要发的消息先等着，之后一次全部发出。' },
    'repeat-late': {
      name: '迟到的重复消息',
      does: '这个 rank 发的一部分消息会到达两次，第二次来得晚，甚至会走新的连接。',
    },
    'reset-link': { name: '重置链路', does: '连接在两端断开，然后重新建立。' },
    'exhaust-gpu': { name: '耗尽 GPU 内存', does: '真实地分配 GPU 内存，直到机器拒绝，并一直占着。' },
    'refuse-gpu': { name: '拒绝 GPU 内存', does: '这个 rank 每次新的 GPU 内存分配都被拒绝。' },
    'fill-queue': { name: '塞满发送队列', does: '这个 rank 的每次发送都被拒绝，好像队列已满。' },
    'refuse-storage': { name: '拒绝存储', does: '什么都存不下来：检查点不行，表决也不行。' },
    'limit-storage': { name: '限制存储空间', does: '检查点只能占用这么多空间，放不下的会被拒绝。' },
    'ambiguous-storage': {
      name: '谎报存储结果',
      does: '数据其实已经存好，却告诉这个 rank 没有存成。',
    },
    'loader-throws': { name: '数据加载器报错', does: '读取下一个批次失败。' },
    'loader-hangs': { name: '数据加载器卡住', does: '读取下一个批次，永远没有返回。' },
    'loader-garbles': {
      name: '数据加载器给出坏数据',
      does: '下一个批次样本不足，或带有不存在的标签，或含有非有限的数值。',
    },
    'bad-sample': {
      name: '坏样本',
      does: '这个 rank 的下一个批次中有一个样本是坏的。所有 rank 一致同意去掉它，再重做这一步。',
    },
    'lose-data': { name: '丢失数据集', does: '数据集从这个 rank 的内存中消失，服务器也给不出来。' },
    'oversize-buffer': { name: '申请过大的缓冲区', does: '接下来的分配超过 GPU 允许的最大缓冲区。' },
    'lose-device': { name: '失去 GPU', does: '这个 rank 的 GPU 设备被真实地销毁。' },
    nan: { name: '非有限数值', does: '这个 rank 的一次贡献不是有限数值：房间停下，并说明原因。' },
    'flip-bit': {
      name: '翻转一位',
      does: '这个 rank 的权重、优化器的矩估计或某个梯度中，有一位悄悄变了。',
    },
    'slow-gpu': { name: '拖慢这个 rank', does: '这个 rank 的所有计算都要花若干倍的时间。' },
    'slow-map': { name: '结果迟到', does: '这个 rank 算出的结果很晚才从 GPU 传回来。' },
    'hang-kernel': { name: '内核卡住', does: '这个 rank 计算的结果有一段时间回不来。' },
    'silent-link': {
      name: '沉默的链路',
      does: '这个 rank 与某个对端之间什么也传不过去，而且没有任何一方得到通知。',
    },
    partition: { name: '孤立这个 rank', does: '这个 rank 听不到任何人，也没有人听得到它。' },
    'stall-collective': { name: '卡住全归约', does: '心跳照常通过，而这个 rank 发送的梯度要等着。' },
    'reconnect-storm': { name: '重连风暴', does: '连接每半秒在两端断开一次，每次都重新建立。' },
    'damage-checkpoint': { name: '损坏检查点', does: '本浏览器最新的检查点里，有一位在存储中被翻转。' },
    'evict-checkpoints': { name: '删除检查点', does: '本浏览器的所有检查点都没有了。' },
    'clock-jump': { name: '时钟跳变', does: '这个 rank 的时钟向前跳，就像机器休眠之后那样。' },
    'clock-drift': { name: '时钟走快', does: '这个 rank 的时钟快了四分之一。' },
    hide: { name: '隐藏标签页', does: '页面像在后台那样每秒只轮到一次，而它的 worker 照常工作。' },
    mute: {
      name: '静音',
      does: '这个 rank 说的话都传不出去，连告别也不行，但它还听得见。过了四分之一的时间，它还会冻结。',
    },
    'lose-signalling': { name: '失去信令服务器', does: '页面遇不到新的同伴，已有的连接照常工作。' },
    'hog-cpu': { name: '占住 worker', does: '这个 rank 的线程大部分时间真的在空转。会先征求同意。' },
    'fill-storage': { name: '填满存储', does: '真的填满并占住本站点的存储。会先征求同意。' },
    'grow-memory': { name: '占用内存', does: '真的占用并持有这台机器的内存。会先征求同意。' },
  },

  header: {
    room: '房间',
    copyLink: '复制链接',
    copied: '链接已复制。在另一个标签页或窗口中打开它即可加入。',
    copyByHand: (link) => `本浏览器不允许页面写入剪贴板。链接是 ${link}`,
    theme: { auto: '配色：跟随系统', light: '配色：浅色', dark: '配色：深色' },
    lessons: '课程',
    lessonsMeans: '八个课程：预测、运行、核对。在新标签页中打开。',
    exact: '逐位一致',
    exactMeans: '逐位一致：每一步之后，状态的每一位都与单个 rank、没有故障的运行相同。',
    unpromised: (step) => `彼此一致，自第 ${step} 步起不再保证`,
    unpromisedMeans: '所有 rank 的状态逐位相同，但各自引擎的舍入不同，因此不保证与另一次运行相同。',
    generation: (n) => `第 ${n} 代`,
    noGeneration: '尚无代',
    ranks: (n) => `${n} 个 rank`,
  },

  actions: {
    label: '运行',
    start: '开始',
    resume: '继续',
    pause: '暂停',
    finished: '已完成',
    addRank: '添加 rank',
    opening: (n) => `正在打开 ${n} 个…`,
    checkpoint: '保存检查点',
    leave: '离开',
    saved: (step, size) => `已在第 ${step} 步保存检查点（${size}）。`,
    full: (n) => `本标签页已有 ${n} 个 rank。要添加更多，请在另一个标签页打开链接。`,
  },

  welcome: {
    title: '四个 rank、一个网络，和一个“杀死”按钮',
    body: (steps) =>
      `点“开始”会在本标签页再打开三个 rank。它们一起训练一个小网络，共 ${count(steps)} 步。然后杀死其中一个，看其余的 rank 怎样一步不丢地继续。`,
    start: '启动四个 rank',
    starting: '正在打开各个 rank…',
    place: '留给一个 rank 的位置',
  },

  ring: {
    title: '环',
    describe: (state, step, steps, ranks) =>
      `${state}：第 ${step} 步，共 ${steps} 步；环中有 ${ranks} 个 rank。`,
    of: (steps) => `共 ${count(steps)} 步`,
    rate: (perSecond) => `${perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)} 步/秒`,
    resumed: (step) => `从第 ${step} 步恢复`,
    breakRank: (name) => `破坏 rank ${name}`,
    breakLink: (from, to) => `破坏 ${from} 与 ${to} 之间的链路`,
    hint: '选择一个 rank 或一条链路来破坏它。',
    apart: (one, other, carried) =>
      `rank ${one} 与 rank ${other} 之间的链路不通：${carried ? '由别的 rank 转送。' : '环绕开了它。'}`,
    moreApart: (n) => `另有 ${n} 对 rank 之间的链路不通。`,
    witness: (name, votes, reached) =>
      `见证者 ${name}：${votes ? (reached ? '有投票权' : '有投票权，但目前失联') : '此处无投票权'}`,
    witnessMeans:
      '只投票、不计算的成员；rank 数为偶数时才有投票权：若房间分成相等的两半，能联系到它的那一半继续训练。',
  },

  ranks: {
    title: '各个 rank',
    rank: (n) => `rank ${n}`,
    newcomer: '新加入者',
    cutOff: '失联',
    former: '曾在这里：',
    elsewhere: '在另一个标签页',
    member: (id) => `成员 ${id}`,
    kill: '杀死',
    killMeans: '不道别：其他 rank 必须自己发现',
    close: '关闭',
    closeMeans: '会道别，就像关闭标签页',
    more: '更多故障',
    moreMeans: '为这个 rank 选择别的故障',
    step: '步',
    state: '状态',
    pieces: (n, of) => `${of} 块中已有 ${n} 块`,
    engine: '引擎',
    batchesMeans: (n, all) => `${all} 个微批次中的 ${n} 个`,
    links: '链路',
    carried(links) {
      const relayed = links.filter(({ carrier }) => carrier === 'relay').length;
      return [
        ...(relayed > 0 ? [`${relayed} 条经服务器中继`] : []),
        ...(relayed < links.length ? [`${links.length - relayed} 条在本浏览器内`] : []),
      ].join('，');
    },
    refusals: '已拒绝',
    refusalsMean: '这个 rank 拒绝的链路，或因对端违反规则而断开的链路',
    refused: (refusals) =>
      refusals.map(({ code, count: times }) => `${times} × ${REFUSALS[code]}`).join('，'),
    sent: '已发送',
    sentMeans: (saved) => `比梯度的每个数都占四个字节少 ${saved}：多数数用不了这么多。`,
    heard: '最近消息',
    heardNow: '刚刚',
    heardAgo: (time) => `${time}前`,
    software: '软件实现',
    agrees: (n) => `与另外 ${n - 1} 个相同`,
    agreesMeans: (step) => `在第 ${step} 步，于本标签页的各 rank 之间比较`,
    differs: (step) => `在第 ${step} 步与其他 rank 不同`,
    engineUnknown: '正在打开…',
    preflight: (bytes, samples) => `占用 ${bytes} GPU 内存；微批次最多可容纳 ${count(samples)} 个样本。`,
    preflightMeans: (limit) => `在 rank 报告就绪之前估算：这块 GPU 的单个缓冲区不能超过 ${limit}。`,
    suspected: '被怀疑',
    hidden: '在后台',
    hiddenMeans: '它的标签页不可见，浏览器会放慢这样的页面：其他成员会一直等到集合操作的期限。',
    killed: (time) => `${time}前被杀死`,
    closed: (time) => `${time}前关闭`,
    left: (time) => `${time}前离开`,
    addHere: '在本标签页添加一个 rank',
    invite: '志愿者链接',
    inviteMeans: '复制给陌生人的链接：它会说明运行什么、付出什么，并先征求同意',
    invited: '志愿者链接已复制。它会说明运行什么、付出什么，并在运行之前征求同意。',
    emptyTitle: '本标签页没有运行 rank',
    emptyBody: '添加一个，它就会加入房间，或从最新的检查点继续。',
  },

  charts: {
    loss: '损失',
    lossOfText: '每字符损失',
    accuracy: '准确率',
    accuracyOfText: '下一个字符的准确率',
    eachStep: '每一步',
    mean: '十步均值',
    heldOut: '留出集',
    training: '训练集',
    regroup: '重组',
    step: '步',
    empty: '曲线从第一步开始。',
    emptyAccuracy: '用训练从未见过的样本测量。',
    emptyAccuracyOfText: '用文本的最后十分之一测量，训练从不使用这部分。',
    describe: (what, value, step) => `第 ${step} 步的${what}为 ${value}。`,
    failed: (why) => `图表未能载入：${why}`,
  },

  choose: {
    legend: '学习内容',
    jobs: {
      digits: '手写数字',
      'digits-cnn': '手写数字（卷积）',
      'moby-dick': '《白鲸》，逐字符',
      spirals: '三条螺线',
      moons: '两弯月牙',
      circles: '两个圆环',
      own: '你自己的文本文件',
    },
    file: (limit) => `UTF-8 文本文件，最大 ${limit}。文件只留在本浏览器中。`,
    noFile: '请先选择一个文本文件。',
    tooLarge: (name, limit) => `“${name}”超过了 ${limit}。请换一个短一些的文本。`,
    unknownText: '地址中指定的文本不在本浏览器中。请在下方选择同一个文件，或换一项学习内容。',
  },

  look: {
    plane: '它能区分什么',
    digits: '留出集中的数字',
    about: '最新状态的判断。',
    by: (step) => `第 ${step} 步的状态作出的判断。`,
    planeMeans: (name, classes, step) =>
      `平面按第 ${step} 步的状态对 ${name} 的 ${classes} 个类别的划分着色，并标出部分样本点。`,
    planeReads: (points) =>
      `每一处的颜色是模型给它的类别，拿不准的地方颜色相混。${points} 个圆点是它学习的样本，颜色是它们真正的类别。`,
    right: (guess) => `${guess}，正确`,
    wrong: (guess, label) => `${guess}，应为 ${label}`,
    empty: '有 rank 准备好计算引擎后就会显示。',
  },

  bring: {
    ask: (hash) =>
      `这个房间学习的文本不在本浏览器中（SHA-256 ${hash}…）。选择同一个文件，本标签页的 rank 就能加入。`,
    other: (name) => `“${name}”与房间的文本不同。请向对方索取房间最初使用的那个文件。`,
  },

  write: {
    title: '让它写',
    about: '训练继续进行，同时由模型的一个状态接着你的话写下去。',
    prompt: '提示词',
    temperature: '温度',
    topK: 'Top k',
    seed: '种子',
    write: '开始写',
    again: '重新写',
    stop: '停止',
    empty: '温度为 0 时，每次都取最可能的字符；温度越高，越大胆。',
    by: (step) => `由第 ${step} 步的状态写出。`,
  },

  regroups: {
    title: '各代成员',
    about: '成员的每次变化，以及各花了多长时间。',
    generation: (n) => `第 ${n} 代`,
    lost: '失去',
    joined: '加入',
    opened: '房间打开',
    entered: '本标签页加入房间',
    founded: '房间开始了新的世系',
    same: '成员不变，重新达成一致',
    noticed: '发现',
    regrouped: '重组',
    wentOn: '继续',
    after: (ms) => `${ms}后`,
    atStep: (step) => `在第 ${step} 步`,
    empty: '添加或杀死一个 rank，新的一代及其用时就会出现在这里。',
  },

  checkpoints: {
    title: '检查点',
    about: (path) => `以“${path}”为名保存在本浏览器中；每个检查点都在读回核对之后才算数。`,
    step: (step) => `第 ${step} 步`,
    ago: (time) => `${time}前`,
    now: '刚刚',
    verified: '已校验',
    unverified: '尚未校验',
    skipped: '校验失败',
    foreign: (job) => `属于另一个任务（${job}）`,
    foreignMeans: (job, trained) =>
      `它是为任务 ${job} 保存的，而这个房间训练的是 ${trained}：在这里恢复时会跳过它。“恢复”会打开一个训练它的任务的房间。`,
    pinned: '已固定',
    copies: (copies) => `${copies} 份副本`,
    more: '更多',
    rollBack: '回退',
    rollBackAbout: '成员同意之后，整个房间回到这里，再继续训练。',
    rolledBack: (step) => `房间已回到第 ${step} 步。`,
    restore: '恢复',
    restoreAbout: '打开一个新房间，从这里继续。本标签页会离开当前房间，其他成员留在原处。',
    verify: '校验',
    pin: '固定',
    unpin: '取消固定',
    download: '下载',
    corrupt: '损坏',
    delete: '删除',
    verifyAll: '全部校验',
    upload: '上传 .safetensors',
    read: (step, sound) =>
      sound ? `第 ${step} 步的检查点校验通过。` : `第 ${step} 步的检查点已损坏：恢复时会跳过它。`,
    readAll: (all, damaged) =>
      damaged === 0 ? `全部 ${all} 个校验通过。` : `${all} 个中有 ${damaged} 个已损坏：恢复时会跳过它们。`,
    deleted: '已删除。',
    damaged: '其中一位已被翻转。请校验它，或关闭所有标签页再回来。',
    downloaded: (name) => `已保存为 ${name}。`,
    uploaded: (step) => `已导入第 ${step} 步的检查点，校验通过并固定。点“恢复”即可从它继续。`,
    storage: (used, quota, persisted) =>
      `已用 ${used}，配额 ${quota}；${persisted ? '浏览器会保留这些数据' : '磁盘满时浏览器可能会清除这些数据'}。`,
    short: '剩余空间不多：请删除一些，或少留几个。',
    noPace: '这次运行保存第一个检查点之后，这里会显示保存的代价。',
    tradeOff: (interval, lost, best, overhead) =>
      `每 ${interval}保存一次，共损失 ${lost} 的时间，其中 ${overhead} 用于保存，其余是故障后要重做的部分。间隔为 ${best}时损失最小。`,
    empty:
      '运行若干步之后会保存第一个，也可以现在就点“保存检查点”。关闭所有标签页再打开链接，运行会从最新的检查点继续。',
  },

  log: {
    title: '事件日志',
    filter: '显示',
    download: '下载日志',
    downloadMeans: '本标签页的各 rank 收到和决定的一切：用“npx rankfall replay 文件”可以重新运行。',
    incident: '下载事故报告',
    incidentMeans:
      '谁在做什么、房间在等谁、已消失页面的最后记录，以及本标签页各 rank 的日志：用“npx rankfall replay 文件”讲述。',
    diagram: '看时空图',
    diagramMeans: '在竞态实验室中重新运行本标签页各 rank 的日志，并画出来：谁在何时给谁发送了什么。',
    downloaded: (name, size) => `已得到 ${name}（${size}）：npx rankfall replay ${name}`,
    allRanks: '所有 rank',
    ofRank: 'Rank',
    soFar: '目前就这些。杀死一个 rank，在这里看其他 rank 怎样发现，又怎样应对。',
    newer: (n) => `${n} 条新事件`,
    empty: '还没有发生这类事件。',
    good: '正常',
    bad: '问题',
  },

  costs: {
    title: '时间去了哪里',
    about: '运行开始以来所有 rank 的时间。有效吞吐是其中用于真正计入的梯度的部分。',
    goodput: (part) => `有效吞吐 ${part}`,
    empty: '训练开始后，各 rank 的每一毫秒都会记在这里。',
    accounts: {
      compute: '计算',
      exposedCommunication: '全归约',
      straggler: '等待最慢者',
      checkpoint: '检查点',
      detect: '发现故障',
      abort: '中止',
      regroup: '重组',
      heal: '补齐状态',
      redo: '重做',
      idle: '空闲',
    },
    queue: '最满的发送队列',
    buffer: '最大的 GPU 缓冲区',
    storage: '浏览器存储',
    of: (used, limit) => `${used}，上限 ${limit}`,
    held: (all) => `本标签页的引擎共占用 ${all}`,
  },

  simulation: {
    title: '竞态实验室',
    about: '让协议在模拟的世界里运行：任何见过一次的竞态，都是一个种子。',
    open: '打开模拟器',
    opening: '正在打开…',
    failed: (why) => `无法加载模拟器：${why}`,
  },

  consent: {
    title: {
      'gpu-memory': '要耗尽这台机器的 GPU 内存吗？',
      memory: '要占用这台机器的内存吗？',
      storage: '要填满本站点的存储吗？',
      cpu: '要让这台机器忙起来吗？',
    },
    body: {
      'gpu-memory':
        '这会真实地分配 GPU 内存，最多 1 GiB，直到 GPU 拒绝或预算用完。最迟一分钟后，或者你修复故障时释放。这台机器上的其他页面和程序可能会变慢，或者短暂失去 GPU。',
      memory:
        '这会真实地占用内存，最多 1 GiB，最迟一分钟后，或者你修复故障时归还。这台机器上的其他页面和程序可能会变慢。',
      storage:
        '这会真实地存储数据，最多 1 GiB，直到浏览器不再允许或预算用完。最迟一分钟后，或者你修复故障时删除。在此期间检查点可能会失败。',
      cpu: '这会让一个线程在大部分时间里空转，最长一分钟，或者直到你修复故障。页面可能反应迟缓。',
    },
    yes: '允许',
    no: '取消',
  },
  faultPanel: {
    title: '破坏点什么',
    about: '故障只作用于本标签页中的一个 rank。',
    which: '哪个 rank',
    what: '发生什么',
    peer: '对谁',
    allPeers: '所有对端',
    direction: '方向',
    directions: { both: '双向', in: '仅接收', out: '仅发送' },
    delayMs: '延迟',
    chance: '每条消息的概率',
    times: '次数',
    duration: '持续',
    untilHealed: '直到解除',
    inject: '注入',
    factor: '慢多少倍',
    how: '错在哪里',
    garbled: { short: '样本太少', labels: '未知标签', 'non-finite': '非有限数值' },
    where: '作用于',
    bits: { parameters: '权重', moments: '优化器的矩估计', gradient: '某个梯度' },
    active: '生效中的故障',
    heal: '解除',
    none: '本标签页中没有故障在起作用。',
    noRank: '先打开一个 rank，才有东西可以破坏。',
    budget: '上限',
    bandwidth: '每秒字节数',
    room: '空间',
    injected: (fault, rank) => `${fault}：已注入 rank ${rank}。`,
  },

  banners: {
    dismiss: '关闭提示',
    stuckTitle: '房间达不到多数派。',
    stuck: (names) =>
      `它在等待 ${names}。请让其中一个标签页回来，或不等它们继续：那会从手头最好的状态开创新的世系，而其他成员将不得不放弃它们的世系。`,
    stuckNobody: '它在等待无人代表的席位。',
    force: '不等它们，继续',
    badLink: '新建房间',
    frameFailed: (reason) => `有一个 rank 无法启动。${reason}`,
    label: '问题',
    noRank: (name) => `本标签页没有运行 rank ${name}。`,
    noAnswer: (what, seconds) => `${what}：${seconds} 秒内没有应答。这个 rank 可能被冻结或已消失。`,
    frameSilent: (seconds) =>
      `${seconds} 秒内没有等到 rank 的页面。请重新加载本页；如果仍然不行，请查看浏览器的控制台。`,
  },

  address: {
    wrong: (name, found, expected, instead) =>
      `地址中写着 ${name}=${found}；应为${expected}。${instead === undefined ? '已忽略这一项。' : `改用 ${instead}。`}`,
    unknown: (name) => `地址中写着 ${name}=…，实验室不认识这一项，已忽略。`,
    usualJob: (why) => `${why} 改用默认的任务。`,
    wholeNumber: (min, max) => `从 ${min} 到 ${max} 的整数`,
    either: (choices) => `${choices.slice(0, -1).join('、')} 或 ${choices.at(-1) ?? ''}`,
    text: '文本的 SHA-256，64 位十六进制数字',
    job: `${PRESET_NAMES.join('、')} 之一`,
    wire: `i32，或 narrow:位数，每个微批次 ${MIN_WIRE_BITS} 到 ${MAX_WIRE_BITS} 位`,
    checkpoints: '1 到 64 个字母、数字、空格、点、连字符或下划线组成的名称',
    from: '检查点的标识',
    save: '步数（20）、秒数（30s）、epoch、hide 或 auto（auto:秒数），用逗号分隔',
    signal: 'PeerServer 的地址，形如 http(s)://host[:port]/path',
    ice: '最多 8 个用逗号分隔的服务器，形如 stun:host[:port] 或 turn:user:password@host[:port][?transport=udp|tcp]',
    chaos: '秒数、秒数:种子 或 秒数:种子:故障种类，种类之间用逗号分隔',
    name: '1 到 64 个字母、数字、空格、点、连字符或下划线',
  },

  left: {
    title: (room) => `你已离开房间 ${room}。`,
    body: '它的检查点留在本浏览器中。其他成员会继续，你随时可以回来。',
    again: '重新加入',
    fresh: '新建房间',
  },

  loadFailed: {
    title: '这个链接打不开房间。',
  },
};
