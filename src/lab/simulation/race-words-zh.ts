// The words of the race laboratory in Chinese. The glossary is that of ../words-zh.ts.

import { count } from '../format.ts';
import { lookUp } from '../sentence.ts';
import type { Account, RaceWords } from './race-words-en.ts';

const ACCOUNTS: Readonly<Record<Account, string>> = {
  compute: '计算',
  exposedCommunication: '全归约',
  straggler: '等待最慢者',
  abort: '中止',
  detect: '发现故障',
  regroup: '重组',
  heal: '补齐状态',
  redo: '重做',
  checkpoint: '检查点',
  idle: '空闲',
  running: '运行',
  frozen: '冻结',
  crashed: '宕机',
  gone: '消失',
};

/** By name; what a scenario does that is not here is said in English. */
const SCENARIOS: Readonly<Record<string, string>> = {
  calm: '什么也没有发生',
  'kill-one': '运行中途，一个标签页被杀死',
  'founder-dies': '打开房间的那个标签页被杀死',
  newcomer: '运行中途有标签页加入，并从供给方补齐状态',
  zombie: '一个标签页冻结五秒，被排除在外，醒来后又回来',
  'split-brain': '网络分区：只有多数派继续，之后房间重新合一',
  'exact-half': '从正中间分区：含最小席位的那一半继续',
  witness: '两个各有两个 rank 的半边和一个见证者：见证者够得着的那一半继续',
  'witness-restarts': '带见证者的服务器崩溃，带着它的选票回来；之后四个 rank 中有两个消失',
  'all-gone': '所有标签页都被杀死，房间从最新的检查点重新打开',
  'gpu-process': 'GPU 进程死亡：浏览器的每个标签页同时失去设备',
  'bad-link': '一条链路每三条消息损坏一条，而一步也没有丢',
  'dead-link': '一条链路什么也传不过去：所有 rank 都留下，环绕开它，两端的话由别的 rank 转送',
  'no-ring-left': '一个页面的三条链路只剩一条：连不成环，由那条链路另一端的 rank 替它转送',
  'donor-dies': '新加入者正在补齐状态时，供给方死亡',
  'out-of-memory': '一块 GPU 有一段时间没有内存：该 rank 让出位置，之后回来',
  'slow-rank': '一块 GPU 变慢十倍：它的 rank 分到的工作变少，恢复后拿回自己的份额',
  'full-disk': '存储拒绝写入：一个浏览器的票都成了弃权',
  'churn-1000': '一千个 rank 组成层级结构；运行期间离开六十个，加入六十个',
};

export const chinese: RaceWords = {
  protocol: '协议',
  builtIn: 'Rankfall，与各 rank 实际运行的相同',
  examples: '竞态示例',
  yours: '你的',
  file: (name) => `${name}（你的文件）`,
  bring: '打开文件…',
  bringTells:
    '文件可以是你自己的协议（一个 JavaScript 模块）、一份回放，或者从实验室下载的日志（.log.gz、.ndjson）或事故报告：打开它，或拖到这里。协议在隔离的环境中运行，接触不到本站和网络。',
  scenario: '场景',
  drawn: '由种子抽取',
  seed: '种子',
  ranks: 'Rank 数',
  run: '运行',
  hunt: '搜寻',
  huntTells: '从这个种子开始，用所有 CPU 核搜索，直到某条不变量被违反',
  shrink: '缩减',
  cancel: '取消',
  tells(scenario) {
    if (scenario === undefined) return '由种子抽取故障：有哪些种类、多久一次、作用于谁。';
    return `${SCENARIOS[scenario.name] ?? scenario.tells}。`;
  },
  doing: {
    opening: '正在打开…',
    running: '正在运行…',
    hunting: '正在搜寻…',
    shrinking: '正在缩减…',
    branching: '正在尝试其他未来…',
    recording: '正在记录…',
  },
  rate: (seeds, perHour, virtualPerReal) =>
    `已搜索 ${count(seeds)} 个种子，每小时 ${count(perHour)} 个；每秒模拟 ${count(virtualPerReal)} 秒`,
  nothing: (seeds) => `${count(seeds)} 个种子，没有任何不变量被违反。`,
  failed: (why) => `没有成功：${why}`,
  verdicts: {
    held: () => '成立。',
    violated: (invariant) =>
      typeof invariant === 'string' ? `违反：“${invariant}”。` : `违反：不变量 ${invariant ?? '?'}。`,
    unrecoverable: () => '不可恢复，且有正当理由：',
  },
  heldMeans: (committed, steps, subject) =>
    subject.kind === 'room'
      ? `没有不变量被违反，留下的全体成员已提交 ${steps} 步中的 ${committed} 步。`
      : '没有不变量被违反，承诺稍后成立的也都成立了。',
  origin: {
    seed: (seed) => `种子 ${seed}`,
    shrunk: (seed, size) => `种子 ${seed}，缩减后：还剩 ${size} 个需要说明的决定`,
    replay: '一份回放',
  },
  ran: '运行',
  trace: '轨迹哈希',
  speed: (events, virtual, real) => `虚拟时间 ${virtual}内 ${count(events)} 个事件，实际运行 ${real}`,
  ledger: 'Rank 的时间',
  account: (name) => lookUp(ACCOUNTS, name) ?? name,
  whatIf: '如果从这里重来？',
  whatIfTells: '从这一刻起换一种随机，反复运行多次',
  later: '如果这条消息来得晚一些？',
  whatIfHint: '它本可以有别的走向：用图下方的滑块选一个时刻，或者点选一条消息。',
  futures: (violated, futures, isBroken) =>
    !isBroken
      ? `从那里开始的 ${futures} 种其他未来（其中一种画在旁边）中，没有一种违反原本成立的不变量。`
      : violated === futures
        ? `从那里开始的 ${futures} 种其他未来全都违反同一条不变量：仅靠运气已经无法避免。`
        : `从那里开始的 ${futures} 种其他未来中，有 ${violated} 种违反同一条不变量：当时仍可避免。旁边画出了一种不同的结局。`,
  laterEnds: (isViolated, ms) =>
    isViolated
      ? `这条消息晚到 ${ms} 毫秒，同一条不变量照样被违反。`
      : `这条消息晚到 ${ms} 毫秒，就不会变成那样。`,
  endBranch: '回到原来的运行',
  copyLink: '复制链接',
  linkCopied: '链接已复制。它包含整个实验和时空图，不含代码。',
  linkLocal: '链接已复制。它指向这台机器：别人需要自己的 Rankfall，或者用命令。',
  linkTooLong: '这次运行对链接来说太长：请先缩减，或复制回放命令。',
  commandTooLong: '这次运行对命令来说太长：请先缩减。',
  longLink: (characters, most) =>
    `这个链接有 ${count(characters)} 个字符，而链接最多 ${count(most)} 个。它不是在这里生成的：请索取回放文件。`,
  kept: {
    title: '按记录显示的运行',
    why: {
      core: (found, own) =>
        `这个链接属于另一版本的协议核心（${found}；本页是 ${own}），在这里会变成另一次运行。这里只显示当时的记录，不运行。要运行它，请用生成它的那个 Rankfall 打开。`,
      differs: '在这里，这次运行与记录不一致：它由另一版本写成。这里显示当时的记录。',
      bug: (bug) =>
        `这次运行植入了错误“${bug}”，而网页不含任何植入的错误。这里显示当时的记录；npx rankfall replay 可以运行它。`,
      protocol: (name, hash) =>
        `这次运行属于协议“${name}”，它不在示例之中。链接不含代码：请在这里打开那个协议的文件（SHA-256 ${hash.slice(0, 12)}…），它就会运行。`,
    },
    verdicts: { held: '成立。', violated: '违反。', unrecoverable: '无法恢复，理由正当：' },
    none: '它没有附带时空图。',
    means: '在当时运行的地方，没有不变量被违反。',
    skipped: (skipped) => `链接容纳不下最早的 ${count(skipped)} 个事件。`,
  },
  openLab: '打开实验室',
  copyCommand: '复制命令',
  copyReplay: '复制回放命令',
  commandCopied: '命令已复制。',
  replayCopied: '命令已复制，其中包含整次运行。',
  copyByHand: (text) => `本页无法写入剪贴板。请手动复制：${text}`,
  events: '模拟运行中发生的事',
  more: (n) => `还有 ${count(n)} 条：时空图会显示它们，命令加上 --log FILE 会列出它们。`,
  good: '正常',
  bad: '问题',
  tooLarge: (name) => `${name} 太大：最多 16 MiB。`,
  log: {
    title: (name) => `已打开：${name}`,
    room: (room, at) => `房间 ${room} 的事故，${at}`,
    reading: (name) => `正在重新运行 ${name}…`,
    close: '关闭',
    refused: (name, why) => `没有打开 ${name}：${why}`,
    flaws: {
      'too-large': '最多 64 MiB，而文件更大。',
      'unpacks-too-large': '解压后最多 512 MiB，而内容更多。',
      damaged: '应为完整的 gzip 文件，而它中断了或已损坏。请重新下载。',
      'line-too-long': '每行最多 64 MiB，而有一行更长。',
      empty: '应为实验室的日志或事故报告，而文件是空的。',
    },
    verdicts: {
      held: '成立。',
      violated: (invariant) => `违反：不变量 ${invariant ?? '?'}。`,
      differs: '不一致。',
      none: '没有可以重新运行的内容。',
    },
    heldMeans: {
      inputs: (committed) =>
        `重新运行后，每个 rank 的决定和发送都与当时完全一致。就记录所及，没有不变量被违反，已提交 ${count(committed)} 步。`,
      records: (committed) =>
        `就各 rank 所报告的来看，没有不变量被违反，已提交 ${count(committed)} 步。文件不含它们收到的内容，所以没有重新运行。`,
    },
    noneMeans: '这份事故报告不含记录：图中画的是各 rank 最后在做的事。',
    size: '内容',
    ranks: (ranks, entries, holds, time) =>
      `${count(ranks)} 个 rank，${time}内 ${count(entries)} ${holds === 'inputs' ? '个输入' : '条记录'}`,
    differsAt: (line, expected, found) => `第 ${line} 行：应为 ${expected}，实际为 ${found}。`,
    messages: {
      inputs: '只画出文件中有记录的 rank 之间的消息。其他消息是否到达，没有人记下来。',
      records: '事件日志不含消息。',
    },
    skipped: (skipped) => `最早的 ${count(skipped)} 个事件没有画出，只画较新的。`,
    failures: '没有成立的事',
  },
  simulator: '模拟器',
  cancelled: '已取消。',
};
