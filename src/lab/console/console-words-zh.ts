// The words of the instructor's console in Chinese. The glossary is that of ../words-zh.ts.

import { count as number } from '../format.ts';
import { words } from '../words.ts';
import type { ConsoleWords } from './console-words-en.ts';

export const chinese: ConsoleWords = {
  title: '控制台',
  links: {
    connecting: '正在连接课堂…',
    open: '已连接',
    away: '服务器没有应答。正在重试…',
    key: '这个密钥打不开控制台。请从启动课堂的终端里完整复制地址：每次启动都会换新的密钥。',
    slow: '这台设备输错代码或密钥的次数太多。正在重试…',
    full: '已经打开了四个控制台。请关闭一个；本页会重试。',
  },
  noKey: {
    title: '这是课堂的控制台',
    body: '它的地址以教师密钥结尾。请从启动课堂的终端里完整复制。',
    lab: '前往实验室',
  },
  here: (present, all) =>
    present === all ? `${present} 人在场` : `${present} 人在场，${all - present} 人离开`,

  invite: {
    title: '让大家进来',
    open: '打开',
    code: '并填入课堂代码',
    qr: (address) => `${address} 的二维码`,
    which: '地址',
  },

  run: {
    title: '训练',
    about: '课堂的每个房间。',
    startAll: '全部开始',
    pauseAll: '全部暂停',
    form: '每个房间人数',
    formNow: '分配房间',
    formMeans: '把在场的人重新分配。每个房间从第一步开始；旧房间学到的东西留在各浏览器的检查点里。',
    job: '学习内容',
    formConfirm: (people, size, job) =>
      `${people} 位参与者将进入 ${Math.ceil(people / size)} 个房间，每间最多 ${size} 人，并从头开始学习“${job}”。确定分配吗？`,
    yes: '分配',
    no: '取消',
  },

  roster: {
    title: '谁在课堂里',
    empty: '还没有人。把地址和代码展示给大家；谁进来，谁就出现在这里。',
    room: (name) => `房间 ${name}`,
    noRoom: '离开',
    roomState: (people, step, steps) =>
      steps === 0 ? `${people} 个 rank` : `${people} 个 rank · 第 ${number(step)} 步，共 ${number(steps)} 步`,
    start: (name) => `开始房间 ${name}`,
    pause: (name) => `暂停房间 ${name}`,
    select: (name) => `选择 ${name}`,
    selectAll: '全选',
    step: (step) => `第 ${number(step)} 步`,
    answer: '回答：',
    lessons: '课程',
    away: '离开',
    silent: '没有应答',
    unanswered: '–',
    webgpu: 'WebGPU',
    faults: (n) => `${n} 个故障`,
    remove: (name) => `移出 ${name}`,
    removeConfirm: (name) => `${name} 将离开课堂，要再进来必须重新输入代码。确定移出吗？`,
    yes: '移出',
    no: '取消',
    lessonsOf: (passed, of) => `${passed}/${of}`,
  },

  fault: {
    title: '注入故障',
    about: '故障作用于参与者自己的 rank。',
    what: '发生什么',
    throwAll: '对所有人注入',
    throwAt: (names) => (names.length > 2 ? `对 ${names.length} 人注入` : `对 ${names.join(' 和 ')} 注入`),
    whom: '在名单中勾选参与者，就只影响他们。',
    asks: '会先询问每位参与者；没有同意就不会发生。',
  },

  question: {
    title: '提一个问题',
    about: '在看到结果之前，先作预测。',
    text: '问题',
    textExample: '杀死一个 rank，会发生什么？',
    choice: (n) => `答案 ${n}`,
    examples: ['训练停止', '继续，但落后一步', '继续，好像什么也没有发生'],
    add: '再加一个答案',
    ask: '向全班提问',
    askAgain: '再问一个',
    reveal: '公布给全班',
    open: (answered, here) => `${here} 人中有 ${answered} 人已作答。`,
    closed: '全班都能看到这个结果。',
    missing: '请写一个问题和至少两个答案。',
  },

  predictions: {
    title: '预测',
    about: '全班在各课中的预测。',
    empty: '学员学习课程时，他们的预测会出现在这里。',
    which: '课程',
    count: (n) => `${n} 个预测`,
    answer: (n) => `答案 ${n}`,
    between: (low, high) => `${low} 到 ${high}`,
  },

  log: {
    title: '结果如何',
    empty: '开始、暂停和故障会出现在这里，也会显示谁没能做到。',
    order(order) {
      switch (order.do) {
        case 'start':
          return '开始';
        case 'pause':
          return '暂停';
        case 'fault':
          return words.faults[order.fault.kind].name;
      }
    },
    came: (order, problem) => (problem === undefined ? `：${order}，完成` : `：${order}：${problem}`),
    unknown: '某人',
  },
};
