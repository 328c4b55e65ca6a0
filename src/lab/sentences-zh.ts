// Every event of the vocabulary as a Chinese sentence. The glossary is that of words-zh.ts.

import type { Evidence } from '../ports/network.ts';
import type { MemberId } from '../ports/ids.ts';
import type { Exactness, Operation, Stall, StopReason, TraceEvent } from '../trace/events.ts';
import { bytes, loss, percent, shortHash, shortId, smallPercent, span } from './format.ts';
import { faultText, list, listPairs, lookUp, say, who } from './sentence.ts';
import { PHASES } from './phase-words-zh.ts';
import { ranksIn } from '../faults/setting-words.ts';
import type { SettingWords } from '../faults/setting-words.ts';
import type { Sentence } from './sentence.ts';
import type { Sentences } from './sentences-en.ts';
import { chinese as told } from './told-words-zh.ts';
import { chinese as words } from './words-zh.ts';

const EVIDENCE: Readonly<Record<Evidence, string>> = {
  goodbye: '它道了别',
  'lock-released': '浏览器释放了它的锁',
  heartbeat: '它的心跳停了',
  ice: '连接失败',
  'channel-closed': '它的通道关闭了',
  progress: '全归约在等它',
  misbehaved: '它违反了协议',
  leave: '它正在离开',
};

const STOPPED: Readonly<Record<StopReason, string>> = {
  'non-finite': '出现了非有限数值',
  data: '坏样本太多',
  refused: '房间拒绝了它',
  'engine-lost': '它失去了计算引擎',
  left: '它离开了房间',
  invariant: '有一条不变量不成立',
};

const seats = (ids: readonly string[]): string => ids.map((id) => `席位 ${shortId(id)}`).join('、');

function exactnessSentence(promise: Exactness): string {
  switch (promise.kind) {
    case 'exact':
      return '保证状态与不受干扰的单 rank 运行相同。';
    case 'unpromised':
      return `自第 ${promise.since} 步起，各 rank 彼此一致，但不保证与另一次运行相同：它们的引擎舍入不同。`;
  }
}

type Of<Kind extends TraceEvent['kind']> = Extract<TraceEvent, { readonly kind: Kind }>;

function founded(event: Of<'founded'>): Sentence {
  switch (event.why) {
    case 'new':
      return say`打开了房间：第 ${event.generation.number} 代，只有它自己。`;
    case 'resumed':
      return say`从第 ${event.step} 步重新接手房间：联系不到其他成员。`;
    case 'forced':
      return say`奉命不等多数派继续：从第 ${event.step} 步开创新的世系。`;
    case 'rolled-back':
      return say`经成员同意，把房间带回第 ${event.step} 步：开创新的世系。`;
  }
}

const apart = ({ apart: pairs = [] }: Of<'installed'>): Sentence =>
  pairs.length === 0
    ? []
    : say`${listPairs(pairs, '与', '、')}之间的链路不通：环绕开它，或由别的 rank 转送。`;

function left(event: Of<'left'>): Sentence {
  switch (event.why) {
    case 'evicted':
      return say`不再是成员：对它来说第 ${event.generation.number} 代已经结束。`;
    case 'dissolved':
      return say`放弃了第 ${event.generation.number} 代：本房间的另一个世系已提交更多步。`;
    case 'leave':
      return say`正常离开了第 ${event.generation.number} 代。`;
  }
}

function lessonOver({ teacher, step, why }: Of<'lessonOver'>): Sentence {
  switch (why) {
    case 'caught-up':
      return say`在第 ${step} 步追上了 ${who(teacher)}，请求加入。`;
    case 'stays-behind':
      return say`跟随 ${who(teacher)} 到第 ${step} 步，差距不再缩小，按现状请求加入。`;
    case 'come-in':
      return say`被 ${who(teacher)} 告知立即请求加入。`;
    case 'ask-another':
      return say`${who(teacher)} 不再教它，转向另一个 rank。`;
    case 'teacher-gone':
      return say`失去了正在教它的 ${who(teacher)}，转向另一个 rank。`;
    case 'silent':
      return say`再也收不到 ${who(teacher)} 教的内容，转向另一个 rank。`;
    case 'differs':
      return say`得到的状态与 ${who(teacher)} 所说的不同，转向另一个 rank。`;
  }
}

function rejected(event: Of<'rejected'>): Sentence {
  switch (event.reason) {
    case 'fenced':
      return say`隔离了来自 ${who(event.from)} 的 ${event.message}：它属于另一代。`;
    case 'malformed':
      return say`拒绝了来自 ${who(event.from)} 的 ${event.message}：格式有误。`;
    case 'unexpected':
      return say`忽略了来自 ${who(event.from)} 的 ${event.message}：没有谁在等它。`;
  }
}

const OWED: Readonly<Record<Operation, (bucket: number | undefined) => string>> = {
  contribution: (bucket) => (bucket === undefined ? '它的梯度' : `它的梯度（自第 ${bucket} 号桶起）`),
  'all-reduce': (bucket) => (bucket === undefined ? '它在总和中的份额' : `它在第 ${bucket} 号桶中的份额`),
  barrier: () => '它在屏障处的答复',
  apply: () => '它的更新',
  standing: () => '它对自己状态的说明',
  heal: () => '状态',
  vote: () => '它的票',
};

function lack({ operation, bucket, cause }: Stall, time: string | undefined): string {
  const owed = OWED[operation](bucket);
  const since = time === undefined ? '' : `，已有 ${time}`;
  switch (cause) {
    case 'missing':
      return `${owed}没有到${since}`;
    case 'slow':
      return `${owed}比平常慢${since}`;
    case 'different-operation':
      return `${owed}没有来，它在做别的事${since}`;
    case 'different-size':
      return `${owed}大小不对${since}`;
    case 'different-state':
      return '它的状态与其他 rank 不同';
  }
}

function stallSentence(stall: Stall, by: MemberId): Sentence {
  const { step, attempt, peer, said, forMs } = stall;
  const where = attempt > 0 ? `重做的第 ${step} 步` : `第 ${step} 步`;
  if (peer === by) return say`${where}在等 ${who(by)} 的引擎：${lack(stall, span(forMs))}。`;
  const last =
    said === undefined ? '' : `；它在 ${span(said.agoMs)}前最后说：第 ${said.step} 步，${PHASES[said.phase]}`;
  return say`${where}在等 ${who(peer)}：${lack(stall, span(forMs))}${last}。`;
}

function sentenceOf(event: TraceEvent, by?: MemberId): Sentence {
  switch (event.kind) {
    case 'phase':
      return say`现在${PHASES[event.phase]}。`;
    case 'linkUp':
      return say`与 ${who(event.peer)} 建立了链路；双方都证明了自己知道房间的密钥。`;
    case 'linkCarried':
      return event.carrier === 'relay'
        ? say`经房间的服务器与 ${who(event.peer)} 相连：直接连接没有打通。`
        : say`在本浏览器内与 ${who(event.peer)} 相连：直接连接没有打通。`;
    case 'linkDown':
      return say`失去了到 ${who(event.peer)} 的链路：${EVIDENCE[event.evidence]}。`;
    case 'suspected':
      return say`认为 ${who(event.peer)} 已经消失：${EVIDENCE[event.evidence]}。`;
    case 'founded':
      return founded(event);
    case 'prepared':
      return say`提议选出第 ${event.generation.number} 代的继任（第 ${event.ballot.round} 轮）。`;
    case 'promised':
      return say`就第 ${event.generation.number} 代向 ${who(event.ballot.proposer)} 许诺了自己的票${stored(event.stored)}。`;
    case 'voted':
      return say`在第 ${event.generation.number} 代之后投票给 ${event.value}${stored(event.stored)}。`;
    case 'chosen':
      return say`看到多数派选出了 ${event.value}。`;
    case 'installed':
      return say`进入第 ${event.generation.number} 代，共 ${event.members.length} 个 rank：${list(event.members, '、')}${event.back === undefined ? '' : `；大家同意回到第 ${event.back} 步`}。${apart(event)}`;
    case 'left':
      return left(event);
    case 'aborted':
      return say`中途放弃了第 ${event.step} 步；由下一代重做。`;
    case 'contributed':
      return say`为第 ${event.step} 步算了${microBatches(event.microBatches)}${event.attempt > 0 ? `（第 ${event.attempt + 1} 次尝试）` : ''}。`;
    case 'overflowed':
      return say`发现第 ${event.step} 步超出了定点数的范围：所有 rank 以更宽的范围重做。`;
    case 'applied':
      return say`应用了第 ${event.step} 步：损失 ${loss(event.loss)}，准确率 ${percent(event.samples === 0 ? 0 : event.correct / event.samples)}，哈希 ${shortHash(event.hash)}。`;
    case 'committed':
      return say`得知全体已应用 ${event.step} 步，哈希 ${shortHash(event.hash)}。`;
    case 'healed':
      return event.by === 'gradient'
        ? say`用 ${who(event.donor)} 保留的梯度追上了一步（${bytes(event.bytes)}）。`
        : say`从 ${who(event.donor)} 收到了第 ${event.step} 步的完整状态（${bytes(event.bytes)}）。`;
    case 'donated':
      if (event.piece !== undefined)
        return say`接着把第 ${event.step} 步的状态交给 ${who(event.to)}，从第 ${event.piece} 块开始。`;
      return event.by === 'gradient'
        ? say`把第 ${event.step} 步的梯度给了 ${who(event.to)}。`
        : say`把第 ${event.step} 步的完整状态给了 ${who(event.to)}。`;
    case 'learns':
      return say`在环外向 ${who(event.teacher)} 学习第 ${event.step} 步的状态：${event.of} 块中已有 ${event.pieces} 块。`;
    case 'learned':
      return event.by === 'gradient'
        ? say`在环外随 ${who(event.teacher)} 走到第 ${event.step} 步（${bytes(event.bytes)}）。`
        : say`在环外从 ${who(event.teacher)} 学到了第 ${event.step} 步的完整状态（${bytes(event.bytes)}）。`;
    case 'lessonOver':
      return lessonOver(event);
    case 'rejected':
      return rejected(event);
    case 'stalled':
      return event.peer === by
        ? say`在第 ${event.step} 步等自己的引擎：${lack(event, undefined)}。`
        : say`在第 ${event.step} 步等 ${who(event.peer)}：${lack(event, undefined)}。`;
    case 'resent':
      return say`把第 ${event.step} 步的一部分又向 ${who(event.to)} 发送了一次。`;
    case 'checkpointed':
      return say`在第 ${event.step} 步保存了检查点并读回核对，哈希 ${shortHash(event.hash)}。`;
    case 'checkpointFailed':
      return say`无法保存第 ${event.step} 步的检查点：${clause(event.reason)}。`;
    case 'checkpointSkipped':
      return say`跳过了第 ${event.step} 步的检查点：${clause(event.reason)}。`;
    case 'sampleRefused':
      return say`去掉坏样本 ${event.row} 后重做第 ${event.step} 步。`;
    case 'quarantined':
      return say`从第 ${event.step} 步起不再使用样本 ${event.rows.join('、')}，这是所有 rank 一致同意的。`;
    case 'heldUp':
      return say`为检查点复制第 ${event.step} 步的状态，占用了训练 ${Math.round(event.ms)} 毫秒。`;
    case 'restored':
      return say`恢复了第 ${event.step} 步的检查点，哈希 ${shortHash(event.hash)}。`;
    case 'seatAcquired':
      return say`接管了本浏览器中一个已消失页面的席位 ${shortId(event.seat)}，从现在起替它投票。`;
    case 'waitingForQuorum':
      return event.members.length === 0
        ? say`在等待多数派；缺少：${seats(event.seats)}。`
        : say`在等待多数派；缺少：${list(event.members, '、')}。`;
    case 'exactness':
      return [exactnessSentence(event.promise)];
    case 'faultInjected':
      return say`被注入故障：${faultSentence(event)}。`;
    case 'faultHealed':
      return say`解除了故障：${faultSentence(event)}。`;
    case 'engine':
      return say`计算引擎：${clause(engineText(event.detail))}。`;
    case 'refused':
      return event.by === undefined
        ? say`被拒绝：${clause(event.reason)}。`
        : say`被 ${who(event.by)} 拒绝：${clause(event.reason)}。`;
    case 'coloured':
      return say`在房间的所有页面上使用颜色 ${event.slot + 1}。`;
    case 'turnedAway':
      return event.peer === undefined
        ? say`拒绝了一条链路：${clause(event.reason)}。`
        : say`拒绝了与 ${who(event.peer)} 的链路：${clause(event.reason)}。`;
    case 'stopped':
      return say`停止了，因为${STOPPED[event.reason]}${event.detail === '' ? '' : `：${clause(event.detail)}`}。`;
    case 'violated':
      return say`看到不变量 ${event.invariant} 被违反：${clause(told.told(event.sentence))}。`;
  }
}

const stored = (durable: boolean): string => (durable ? '' : '，但没能存下：算作弃权');

const microBatches = (indices: readonly number[]): string =>
  indices.length === 0 ? ' 0 个微批次' : `微批次 ${indices.join('、')}`;

/** An engine that was opened names its kind, its adapter and why it and no other; whatever else it says stays as it is. */
function engineText(detail: string): string {
  const [, kind, adapter, reason] = /^(cpu|webgpu) on ([^:]+): (.+)$/u.exec(detail) ?? [];
  if (kind === undefined || adapter === undefined || reason === undefined) return detail;
  return `${kind}（${told.adapter(adapter)}）：${told.told(reason)}`;
}

const WHERE = { ...words.faultPanel.bits, worker: '计算线程', page: '页面' };
const HOW = {
  ...words.faultPanel.garbled,
  missing: '数据集已消失',
  truncated: '数据集被截断',
  rotten: '有一位翻转',
  torn: '缺了一块',
  stale: '只剩旧的',
};

const SETTINGS: SettingWords = {
  to: (rank) => `对 rank ${rank}`,
  direction: (direction) => lookUp(words.faultPanel.directions, direction) ?? direction,
  forMs: (ms) => `持续 ${span(Number(ms))}`,
  ms: (ms) => span(Number(ms)),
  everyMs: (ms) => `每 ${span(Number(ms))}一次`,
  chance: (chance) => `${smallPercent(Number(chance))} 的消息`,
  times: (times) => `${times} 次`,
  maxBytes: (amount) => `最多 ${bytes(Number(amount))}`,
  bytesPerSecond: (amount) => `每秒 ${bytes(Number(amount))}`,
  factor: (factor) => `慢 ${factor} 倍`,
  rate: (rate) => `时钟速度为 ${rate} 倍`,
  how: (how) => lookUp(HOW, how) ?? how,
  where: (where) => lookUp(WHERE, where) ?? where,
  row: (row) => `样本 ${row}`,
  side: (mask) => `${ranksIn(Number(mask)).join('、')} 在一侧`,
  closes: (closes) => (closes === 'true' ? '连接随之断开' : '连接保持打开'),
};

const faultSettings = (detail: string): string =>
  faultText(detail, SETTINGS)
    .map((part) => clause(told.told(part)))
    .join('，');

function faultSentence({ fault, detail }: Of<'faultInjected' | 'faultHealed'>): string {
  const settings = faultSettings(detail);
  return `“${lookUp(words.faults, fault)?.name ?? fault}”${settings === '' ? '' : `，${settings}`}`;
}

/** Text from elsewhere, to stand before our own full stop. */
const clause = (text: string): string => text.trim().replace(/[.。\s]+$/u, '') || '没有说明原因';

export const chinese: Sentences = { evidence: EVIDENCE, sentenceOf, stallSentence, faultSettings };
