// What a rank is at, in Simplified Chinese: in the log's sentences, and in what the simulator tells of a rank.

import type { Phase } from '../trace/events.ts';

export const PHASES: Readonly<Record<Phase, string>> = {
  starting: '启动中',
  joining: '加入中',
  regrouping: '重组中',
  healing: '补齐状态中',
  idle: '就绪',
  computing: '计算中',
  reducing: '全归约中',
  applying: '应用更新中',
  done: '完成',
  stuck: '受阻',
  stopped: '已停止',
};
