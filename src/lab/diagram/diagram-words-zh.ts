// The words of the space-time diagram in Chinese. The glossary is that of ../words-zh.ts.

import { count } from '../format.ts';
import type { DiagramWords } from './diagram-words-en.ts';

export const chinese: DiagramWords = {
  label: (lanes, messages) =>
    `时空图：${count(lanes)} 条泳道，时间向下，${count(messages)} 条消息。方向键逐个事件移动，翻页键滚动，加号和减号缩放。`,
  scale: '纵轴按',
  scales: { order: '次序', time: '时间' },
  kinds: '消息',
  ranks: '泳道',
  fold: '折叠',
  all: '查看全部',
  zoomIn: '放大',
  zoomOut: '缩小',
  empty: '没有可以画出的事件。',
  differs: '两次运行从这里开始不同',
  same: '两次运行相同。',
  omitted: (omitted) => `超出上限后还有 ${count(omitted)} 个事件没有画出。`,
  travel: '时间旅行',
  first: '回到开头',
  stepBack: '后退一步',
  back: '后退一个事件',
  forward: '前进一个事件',
  stepOn: '前进一步',
  last: '到末尾',
  moment: '时刻',
  at: (seconds, place, of) => `${seconds} 秒，第 ${count(place)} 个事件，共 ${count(of)} 个`,
  message: (kind, from, to) => `${kind}：从 ${from} 到 ${to}`,
  sentAt: (seconds) => `于 ${seconds} 秒发出`,
  took: (ms) => `${ms} 毫秒后到达`,
  missing: { arrived: '已到达', lost: '始终没有到达', 'under way': '运行结束时还在途中' },
  cone: (past, future) => `有 ${count(past)} 条消息可能导致了它，有 ${count(future)} 条可能取决于它。`,
  hint: '指向一条消息，可以看到什么可能导致了它、什么可能取决于它。拖动可以移动，按住 Ctrl 滚动可以缩放。',
  facts: '那时每条泳道对自己的描述',
};
