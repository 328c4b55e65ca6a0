// The same in Simplified Chinese: faults have the names of the palette.

import type { Strike } from '../faults/schedule.ts';
import type { WorldFault } from '../faults/vocabulary.ts';
import { lookUp } from './sentence.ts';
import { chinese as sentences } from './sentences-zh.ts';
import { chinese as words } from './words-zh.ts';

type Command = Extract<WorldFault, { kind: 'command' }>['command'];

const WORLD: Readonly<Record<Exclude<WorldFault['kind'], 'command'>, string>> = {
  open: '再打开一个页面',
  reload: '重新加载',
  'lose-gpu-process': 'GPU 进程崩溃',
  'lose-gpu-for-good': '永远失去 GPU',
};

const COMMANDS: Readonly<Record<Command, string>> = {
  start: '开始',
  pause: '暂停',
  checkpoint: '保存检查点',
  leave: '离开',
  force: '强制继续',
  'roll-back': '回退',
};

function strike({ page, rank, fault }: Strike): string {
  const who = rank === undefined ? `页面 ${page ?? '–'}` : rank === 'any' ? '任一 rank' : `rank ${rank}`;
  if (fault.kind === 'command') return `${who}：有人按下“${COMMANDS[fault.command]}”`;
  const name = lookUp(words.faults, fault.kind)?.name ?? lookUp(WORLD, fault.kind) ?? fault.kind;
  const settings = sentences.faultSettings(JSON.stringify(fault));
  return `${who}：“${name}”${settings === '' ? '' : `（${settings}）`}`;
}

export const chinese = { strike };
