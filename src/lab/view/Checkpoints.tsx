// The checkpoints of this browser, newest first, what can be done to them, and what saving costs.

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Lab } from '../model/lab.ts';
import { isShort } from '../model/shelf.ts';
import type { StorageRoom } from '../model/shelf.ts';
import type { JobHash } from '../../ports/ids.ts';
import type { CheckpointSummary } from '../../ports/store.ts';
import { bytes, seconds, shortHash } from '../format.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';
import { TradeOff } from './TradeOff.tsx';

const FRESH_MS = 2000;

export function Checkpoints({ lab }: { readonly lab: Lab }): JSX.Element {
  const { shelf } = lab;
  const checkpoints = shelf.checkpoints.value;
  const storage = shelf.storage.value;
  const pace = lab.room.value.observer?.status?.pace;
  const waits = shelf.busy.value.has('all');
  const input = useRef<HTMLInputElement>(null);
  return (
    <Panel name="checkpoints" title={words.checkpoints.title} about={words.checkpoints.about(shelf.path)}>
      {checkpoints.length === 0 && <p class="empty">{words.checkpoints.empty}</p>}
      <ul class="checkpoint-list">
        {checkpoints.map((checkpoint) => (
          <Row key={checkpoint.id} lab={lab} checkpoint={checkpoint} />
        ))}
      </ul>
      <p class="row checkpoint-tools">
        <button
          type="button"
          class="button small"
          disabled={waits || checkpoints.length === 0}
          onClick={() => void shelf.verifyAll()}
        >
          {words.checkpoints.verifyAll}
        </button>
        <button type="button" class="button small" disabled={waits} onClick={() => input.current?.click()}>
          {words.checkpoints.upload}
        </button>
        <input
          ref={input}
          type="file"
          hidden
          accept=".safetensors"
          aria-label={words.checkpoints.upload}
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            currentTarget.value = '';
            if (file !== undefined) void shelf.upload(file);
          }}
        />
      </p>
      {storage !== undefined && <Storage storage={storage} newest={checkpoints[0]?.bytes ?? 0} />}
      {pace !== undefined && <TradeOff pace={pace} />}
    </Panel>
  );
}

function Storage({
  storage,
  newest,
}: {
  readonly storage: StorageRoom;
  readonly newest: number;
}): JSX.Element {
  const short = isShort(storage, newest);
  const { used, quota, persisted } = storage;
  return (
    <p class={`muted checkpoint-storage ${short ? 'bad' : ''}`}>
      {short && <Icon name="alert" />}
      {words.checkpoints.storage(bytes(used), bytes(quota), persisted)}
      {short && ` ${words.checkpoints.short}`}
    </p>
  );
}

function Row({
  lab,
  checkpoint,
}: {
  readonly lab: Lab;
  readonly checkpoint: CheckpointSummary;
}): JSX.Element {
  const { shelf } = lab;
  const { id, step, pinned, standing, stateHash } = checkpoint;
  const age = lab.now.value - checkpoint.savedAt;
  const waits = shelf.busy.value.has(id) || shelf.busy.value.has('all');
  const of = words.checkpoints.step(step);
  const trained = lab.room.value.observer?.status?.jobHash;
  const button = (label: string, act: () => Promise<void>, danger = false): JSX.Element => (
    <button
      type="button"
      class={`button small ${danger ? 'danger' : 'ghost'}`}
      aria-label={`${label}: ${of}`}
      disabled={waits}
      onClick={() => void act()}
    >
      {label}
    </button>
  );
  return (
    <li class="checkpoint" data-step={step} data-standing={standing}>
      <b class="numeric">{of}</b>
      <span class="mono muted">{shortHash(stateHash)}</span>
      <Standing checkpoint={checkpoint} skipped={lab.skipped.value.has(step)} trained={trained} />
      <span class="muted numeric checkpoint-facts">
        {bytes(checkpoint.bytes)} ·{' '}
        {age < FRESH_MS ? words.checkpoints.now : words.checkpoints.ago(seconds(age))}
        {' · '}
        {words.checkpoints.copies(copiesOf(lab, checkpoint))}
        {pinned && ` · ${words.checkpoints.pinned}`}
      </span>
      <details class="checkpoint-more">
        <summary class="button small ghost" aria-label={`${words.checkpoints.more}: ${of}`}>
          {words.checkpoints.more}
        </summary>
        <p class="row">
          <button
            type="button"
            class="button small"
            aria-label={`${words.checkpoints.rollBack}: ${of}`}
            title={words.checkpoints.rollBackAbout}
            disabled={waits || lab.busy.value.has('roll-back') || trained !== checkpoint.jobHash}
            onClick={() => void lab.rollBack(checkpoint)}
          >
            {words.checkpoints.rollBack}
          </button>
          <a class="button small" href={shelf.restoreLink(id)} title={words.checkpoints.restoreAbout}>
            {words.checkpoints.restore}
          </a>
          {button(words.checkpoints.verify, () => shelf.verify(id))}
          {button(pinned ? words.checkpoints.unpin : words.checkpoints.pin, () => shelf.pin(id, !pinned))}
          {button(words.checkpoints.download, () => shelf.download(checkpoint))}
          {button(words.checkpoints.corrupt, () => shelf.damage(id), true)}
          {button(words.checkpoints.delete, () => shelf.delete(id), true)}
        </p>
      </details>
    </li>
  );
}

function Standing({
  checkpoint: { standing, jobHash },
  skipped,
  trained,
}: {
  readonly checkpoint: CheckpointSummary;
  readonly skipped: boolean;
  readonly trained: JobHash | undefined;
}): JSX.Element {
  const isForeign = trained !== undefined && trained !== jobHash;
  // One of another job is skipped as well, and is whole for all that is known.
  if (standing === 'corrupt' || (skipped && !isForeign)) {
    return (
      <span class="agreement bad">
        <Icon name="alert" /> {words.checkpoints.skipped}
      </span>
    );
  }
  if (isForeign) {
    return (
      <span class="agreement muted" title={words.checkpoints.foreignMeans(jobHash, trained)}>
        {words.checkpoints.foreign(shortHash(jobHash))}
      </span>
    );
  }
  return standing === 'verified' ? (
    <span class="agreement good">
      <Icon name="check" /> {words.checkpoints.verified}
    </span>
  ) : (
    <span class="agreement muted">{words.checkpoints.unverified}</span>
  );
}

/** One in this browser, one on each other device that says so, and one in the memory of each rank whose committed state it still is. */
const copiesOf = (lab: Lab, { step, stateHash }: CheckpointSummary): number =>
  1 +
  lab.shelf.elsewhere.value.filter(({ checkpoints }) =>
    checkpoints.some((held) => held.step === step && held.hash === stateHash),
  ).length +
  lab.locals.value.filter(
    ({ status }) => status?.committedHash === stateHash || status?.stateHash === stateHash,
  ).length;
