// The same in Simplified Chinese. A sentence that is not known here stays as it was told.

import { lookUp } from '../sentence.ts';
import { chinese as words } from '../words-zh.ts';

type Means = string | ((...parts: readonly string[]) => string);
type Known = readonly (readonly [told: RegExp, means: Means])[];

const MARKS: Known = [
  [/^starts$/u, '启动'],
  [/^starts, with (.+) stored$/u, '启动，已存有 $1'],
  [/^has lost node (\d+), which said goodbye$/u, '失去了节点 $1：它告别了'],
  [/^has lost node (\d+)$/u, '失去了节点 $1'],
  [/^is told that (.+) was not stored$/u, '得知 $1 没有存下'],
  [/^leaves for good$/u, '永远离开'],
  // examples/
  [/^world (\d+) is (.+)$/u, '世界 $1：节点 $2'],
  [/^quorum (\d+) is (.+)$/u, '法定人数组 $1：节点 $2'],
  [/^commits step (\d+) with (.+)$/u, '与节点 $2 一起提交第 $1 步'],
  [/^comes to all-reduce (\d+)$/u, '来到 all-reduce $1'],
  [/^comes to broadcast$/u, '来到广播'],
];

const UNITS: Readonly<Record<string, string>> = { ms: '毫秒', s: '秒', min: '分钟' };
const SETTINGS: Known = [
  [/^towards rank (\d+)$/u, '对节点 $1'],
  [/^both ways$/u, '双向'],
  [/^only to it$/u, '仅发往它'],
  [/^only from it$/u, '仅来自它'],
  [/^for ([\d.]+) (ms|s|min)$/u, (time, unit) => `持续 ${time} ${UNITS[unit] ?? ''}`],
  [/^every ([\d.]+) (ms|s|min)$/u, (time, unit) => `每 ${time} ${UNITS[unit] ?? ''}一次`],
  [/^([\d.]+) (ms|s|min)$/u, (time, unit) => `${time} ${UNITS[unit] ?? ''}`],
  [/^([\d.]+%) of the messages$/u, '$1 的消息'],
  [/^once$/u, '1 次'],
  [/^(\d+) times$/u, '$1 次'],
  [/^at most (.+)$/u, '最多 $1'],
  [/^(.+) a second$/u, '每秒 $1'],
  [/^([\d.]+) times as slow$/u, '慢 $1 倍'],
  [/^([\d.]+) times as fast$/u, '时钟速度为 $1 倍'],
  [/^(\d+(?:, \d+)*) on one side$/u, '节点 $1 在一侧'],
  [/^which ends the connection$/u, '连接随之断开'],
  [/^the connection stays$/u, '连接保持打开'],
];

const NAMES: Readonly<Record<string, string>> = { reload: '重新加载' };
const COMMANDS: Readonly<Record<string, string>> = { leave: '离开' };

const named = (kind: string): string => lookUp(words.faults, kind)?.name ?? NAMES[kind] ?? kind;
const settings = (text: string): string =>
  text
    // Who is cut off together is itself a list.
    .split(/, (?!\d+(?:, \d+)* on one side)/u)
    .map((setting) => translated(SETTINGS, setting))
    .join('，');

const HEADLINES: Known = [
  [/^one more node joins$/u, '又有一个节点加入'],
  [/^node (\d+) is asked to (.+)$/u, (node, command) => `要求节点 ${node}：${COMMANDS[command] ?? command}`],
  [/^([a-z-]+) on node (\d+)$/u, (kind, node) => `节点 ${node}：“${named(kind)}”`],
  [
    /^([a-z-]+) on node (\d+) \((.+)\)$/u,
    (kind, node, more) => `节点 ${node}：“${named(kind)}”（${settings(more)}）`,
  ],
];

function translated(known: Known, text: string): string {
  for (const [told, means] of known) {
    const parts = told.exec(text);
    if (parts === null) continue;
    return typeof means === 'string' ? text.replace(told, means) : means(...parts.slice(1));
  }
  return text;
}

export const chinese = {
  mark: (text: string): string => translated(MARKS, text),
  headline: (text: string): string => translated(HEADLINES, text),
};
