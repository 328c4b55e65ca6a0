// What a participant of a class reads, in Chinese. The glossary is that of ../words-zh.ts.

import type { ClassWords } from './class-words-en.ts';

export const chinese: ClassWords = {
  join: {
    title: '加入课堂',
    body: '你的标签页会成为一个房间里的 rank，大家一起训练。课堂代码在老师那里。',
    nickname: '昵称',
    nicknameHelp: '全班都能看到。最多 24 个字符。',
    code: '课堂代码',
    codeHelp: '六个字母。',
    noCode: '代码是六个字母，其中没有 I、L 和 O。',
    noName: '请填一个昵称，让老师知道你是谁。',
    join: '加入',
    joining: '正在加入…',
    alone: '独自继续',
    aloneMeans: '一个你自己的房间：别人看不到。',
  },
  refused: {
    code: '这不是本课堂的代码。代码有六个字母，请再问一次。',
    token: '课堂不再认识这个标签页。请重新加入。',
    key: '这不是那个课堂。',
    slow: '这台设备输错代码的次数太多。请等几秒再试。',
    full: '课堂已满。请告诉老师。',
    taken: '本浏览器的另一个标签页占着这个位置。',
    late: '服务器等这个页面等得太久。请再试一次。',
    unreachable: '服务器没有应答。这台设备还在同一个网络里吗？',
  },
  states: {
    present: '在课堂中',
    away: '正在连接课堂… 你的 rank 照常运行。',
    replaced: '你在课堂中的位置已移到另一个标签页。这个 rank 会独自继续。',
    removed: '老师已将你移出课堂。',
    over: '课堂已结束。你的 rank 会独自继续。',
  },
  label: '你的课堂',
  place: (room) => `课堂的房间 ${room}`,
  again: '重新进入课堂',
  leave: '离开课堂',
  noRank: '本标签页没有运行 rank。',
  struck: (fault) => `老师注入了故障：${fault}。`,
  question: '向全班的提问',
  answered: '已作答。在公布结果之前都可以改。',
  unanswered: '请选择一个答案。',
  result: '全班的回答：',
  yours: '你的答案',
  votes: (n) => `${n} 个回答`,
};
