// The same in Simplified Chinese. A sentence that is not known here stays as it was told.

import { PHASES } from './phase-words-zh.ts';
import type { ToldWords } from './told-words-en.ts';

/** `*` in what is told stands for anything, and comes back as `$1`, `$2`… */
const SENTENCES: readonly (readonly [told: string, means: string])[] = [
  ['The CPU engine was asked for.', '按要求使用 CPU 引擎。'],
  [
    'This room link has * characters; a room link has 34. Ask for the link again, or open this page without a link to make a room.',
    '这个房间链接有 $1 个字符，而房间链接只有 34 个。请再要一次链接，或者不带链接打开本页，新建一个房间。',
  ],
  [
    'This address ends in something that is not a room link (#room=…). Ask for the link again, or open this page without a link to make a room.',
    '这个地址的结尾不是房间链接（#room=…）。请再要一次链接，或者不带链接打开本页，新建一个房间。',
  ],
  [
    'This room link has more than a code and a secret in it. Ask for the link again, or open this page without a link to make a room.',
    '这个房间链接里除了代码和密钥还有别的内容。请再要一次链接，或者不带链接打开本页，新建一个房间。',
  ],
  [
    "A room's code is six letters without I, L and O; this link says “*”. Ask for the link again, or open this page without a link to make a room.",
    '房间代码是六个字母，不含 I、L 和 O；这个链接里是“$1”。请再要一次链接，或者不带链接打开本页，新建一个房间。',
  ],
  [
    'This link to room * has lost its secret, the part after the dot. Ask for the link again, or open this page without a link to make a room.',
    '指向房间 $1 的这个链接丢失了密钥，也就是点号之后的部分。请再要一次链接，或者不带链接打开本页，新建一个房间。',
  ],
  [
    'The secret in this link to room * is cut short or changed. Ask for the link again, or open this page without a link to make a room.',
    '指向房间 $1 的这个链接中，密钥被截短或改动了。请再要一次链接，或者不带链接打开本页，新建一个房间。',
  ],
  ['invariant *', '不变量 $1'],
  ['by hand', '手动修复'],
  ['with all others', '随其他故障一起修复'],
  ['used up', '已用尽'],
  ['after * ms', '$1 毫秒之后'],
  ['WebGPU was asked for.', '按要求使用 WebGPU。'],
  ['WebGPU runs here on *.', 'WebGPU 在此运行于 $1。'],
  [
    'The only WebGPU adapter here, *, is itself a program on the CPU, and the CPU engine is faster.',
    '这里唯一的 WebGPU 适配器（$1）本身就是 CPU 上的程序，CPU 引擎更快。',
  ],
  [
    'The GPU was lost once in this page, so the CPU took over; reload the page to try the GPU again.',
    '本页面的 GPU 丢失过一次，已由 CPU 接替；重新加载页面可再试 GPU。',
  ],
  [
    'The GPU was lost * times in this page, so the CPU took over; reload the page to try the GPU again.',
    '本页面的 GPU 丢失过 $1 次，已由 CPU 接替；重新加载页面可再试 GPU。',
  ],
  [
    'No signalling server answers at *. Tabs of this browser find each other without one; for other machines, open the lab from "npm start", or name a PeerServer with ?signal=.',
    '$1 处没有信令服务器应答。同一浏览器的标签页不靠它也能互相找到；要让其他机器加入，请从“npm start”打开实验室，或用 ?signal= 指定一个 PeerServer。',
  ],
  [
    'The connection to * broke. Open links go on; new tabs cannot join until it is back.',
    '与 $1 的连接断了。已有的链路照常工作；恢复之前，新的标签页无法加入。',
  ],
  [
    'The state after * steps on * is not that of the fault-free single-rank run.',
    '$2 在 $1 步之后的状态与无故障的单 rank 运行不同。',
  ],
  ['* heard the goodbye of * and did nothing about it.', '$1 听到了 $2 的告别，却什么也没做。'],
  ['* left without a vote on the generation that goes on without it.', '$1 离开时没有对没有它的那一代表决。'],
  [
    'Generation * has its witness among its members: it has two votes.',
    '第 $1 代的成员中有它的见证者：它有两票。',
  ],
  ['Generation * has other members on * than on *.', '第 $1 代在 $2 上的成员与在 $3 上的不同。'],
  ['Generation * got two successors: * and *.', '第 $1 代有了两个后继：$2 和 $3。'],
  [
    '* contributed to generation *, which is not in force there.',
    '$1 为第 $2 代作了贡献，而它在那里并未生效。',
  ],
  ['* contributed to step * with * steps applied.', '$1 为第 $2 步作了贡献，而它已应用 $3 步。'],
  ['* contributed twice to step * in one generation.', '$1 在同一代中为第 $2 步贡献了两次。'],
  ['* applied step * with * steps applied.', '$1 应用了第 $2 步，而它已应用 $3 步。'],
  ['The gradient of step * holds micro-batch * * times.', '第 $1 步的梯度中，微批次 $2 出现了 $3 次。'],
  ['* committed in generation *, which is not in force there.', '$1 在第 $2 代中提交，而它在那里并未生效。'],
  ['* committed * steps with another state than it had applied.', '$1 提交 $2 步时的状态与它应用的不同。'],
  ['* and * committed step * with different states.', '$1 和 $2 以不同的状态提交了第 $3 步。'],
  [
    '* was healed to another state of step * than its donor has.',
    '$1 被恢复到的第 $2 步状态与其提供者的不同。',
  ],
  [
    '* learned a state of step * that the room of * has not committed.',
    '$1 学到了第 $2 步的状态，而 $3 所在的房间没有提交过它。',
  ],
  [
    '* restored a state of step * that no rank had saved or committed.',
    '$1 恢复了第 $2 步的状态，而没有任何 rank 保存或提交过它。',
  ],
  [
    '* went back to a saved state of step *, with * steps committed in memory.',
    '$1 退回到已保存的第 $2 步状态，而内存中已提交 $3 步。',
  ],
  ['* saved step *, which was not committed.', '$1 保存了第 $2 步，而它并未提交。'],
  ['* saved step * with another state than was committed.', '$1 保存的第 $2 步状态与提交的不同。'],
  [
    'Generation * goes on from step *: its line had come to * steps, and one more at most.',
    '第 $1 代从第 $2 步继续：它的谱系只到过 $3 步，至多再多一步。',
  ],
  [
    'Generation * goes on from step *: * had been committed in generation *.',
    '第 $1 代从第 $2 步继续：第 $4 代已提交到 $3。',
  ],
  [
    'In generation *, * goes on from step * and * from *.',
    '在第 $1 代，$2 从第 $3 步继续，$4 从第 $5 步继续。',
  ],
  ['* sent a vote that was not stored.', '$1 发出了一张没有存储的选票。'],
  ['* went back on a promise in generation *.', '$1 违背了在第 $2 代中的承诺。'],
  ['* voted for two values in one ballot.', '$1 在同一轮表决中投了两个值。'],
  [
    'The room did not finish its job within the bound after the faults had ended: *.',
    '故障结束后，房间没有在限定时间内完成任务：$1。',
  ],
  // Of the examples, and of any protocol
  ['It does not hold.', '它不成立。'],
  ['It did not come to hold within * ms after the faults had ended.', '故障结束后 $1 毫秒内，它没有成立。'],
  ['a run comes to an end', '运行会结束'],
  ['It did not end within * events.', '$1 个事件之内没有结束。'],
  ['greeted once', '每个节点只被问候一次'],
  ['those who train in one world are at most a step apart', '在同一个世界里训练的节点最多相差一步'],
  ['everybody trains, if there are enough', '只要人数足够，每个节点都在训练'],
  ['a step is committed by one quorum only', '一步只由一个法定人数组提交'],
  ['everybody has done all steps', '每个节点都完成了所有步'],
  ['Step * is committed by * and *, and again by *.', '第 $1 步由 $2 和 $3 提交，又由 $4 再次提交。'],
];

const ADAPTERS: Readonly<Record<string, string>> = {
  'TypeScript on the CPU': 'CPU 上的 TypeScript',
};

const FACTS: Readonly<Record<string, string>> = {
  phase: '阶段',
  applied: '已应用',
  state: '状态',
  committed: '已提交',
  generation: '代',
};

/** What a rank is at, and no generation. */
const STANDINGS: Readonly<Record<string, string>> = { ...PHASES, none: '无' };

const PATTERNS = SENTENCES.map(
  ([told, means]) => [new RegExp(`^${told.split('*').map(literal).join('(.+?)')}$`, 'u'), means] as const,
);

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&');
}

export const chinese: ToldWords = {
  told(sentence) {
    const known = PATTERNS.find(([pattern]) => pattern.test(sentence));
    return known === undefined ? sentence : sentence.replace(...known);
  },
  adapter: (name) => ADAPTERS[name] ?? name,
  lane: (name) =>
    name
      .replace(/^page (?=\d)/u, '页面 ')
      .replace(/^witness (?=·)/u, '见证者 ')
      .replace(/^node (?=\d)/u, '节点 ')
      .replace(/^profile (?=\d)/u, '浏览器 '),
  fact: (name) => FACTS[name] ?? name,
  standing: (value) =>
    STANDINGS[value] ??
    value.replace(/^step (\d+)$/u, '第 $1 步').replace(/^(\d+), of (\d+)$/u, '第 $1 代，$2 个 rank'),
};
