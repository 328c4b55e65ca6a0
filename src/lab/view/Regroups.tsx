// The generations, newest first: who came and went, and how long noticing, regrouping and going on took.

import type { JSX } from 'preact';
import type { MemberId } from '../../ports/ids.ts';
import type { Lab } from '../model/lab.ts';
import type { Regroup } from '../model/regroups.ts';
import { span, timeOfDay } from '../format.ts';
import { sentences } from '../sentences.ts';
import { words } from '../words.ts';
import { Panel } from './Panel.tsx';
import { RankDot, RankName } from './RankName.tsx';

const SHOWN = 20;

export function Regroups({ lab }: { readonly lab: Lab }): JSX.Element {
  const regroups = lab.books.value.regroups.read().slice(0, SHOWN);
  return (
    <Panel name="regroups" title={words.regroups.title} about={words.regroups.about}>
      <ol class="regroup-list" tabindex={0} aria-labelledby="regroups-title">
        {regroups.map((regroup) => (
          <Entry key={regroup.key} lab={lab} regroup={regroup} />
        ))}
        {regroups.length <= 1 && <li class="empty">{words.regroups.empty}</li>}
      </ol>
    </Panel>
  );
}

const Entry = ({ lab, regroup }: { readonly lab: Lab; readonly regroup: Regroup }): JSX.Element => (
  <li class="regroup">
    <p class="regroup-head">
      <b>{words.regroups.generation(regroup.number)}</b>
      <span class="dots">
        {regroup.members.map((member) => (
          <RankDot key={member} lab={lab} member={member} />
        ))}
      </span>
      <time class="muted numeric">{timeOfDay(regroup.installedAt)}</time>
    </p>
    <p class="regroup-why">
      <Why lab={lab} regroup={regroup} />
    </p>
    <Times regroup={regroup} />
  </li>
);

function Why({ lab, regroup }: { readonly lab: Lab; readonly regroup: Regroup }): JSX.Element {
  const { lost, joined, members, number } = regroup;
  if (members.length === joined.length) {
    if (number > 1) return <>{words.regroups.entered}</>;
    return <>{regroup.depth <= 1 ? words.regroups.opened : words.regroups.founded}</>;
  }
  if (lost.length + joined.length === 0) return <>{words.regroups.same}</>;
  const evidence = lost.find((one) => one.evidence !== undefined)?.evidence;
  return (
    <>
      <Names lab={lab} word={words.regroups.lost} members={lost.map((one) => one.member)} />
      {evidence !== undefined && <span class="muted">({sentences.evidence[evidence]}) </span>}
      <Names lab={lab} word={words.regroups.joined} members={joined} />
    </>
  );
}

interface NamesProps {
  readonly lab: Lab;
  readonly word: string;
  readonly members: readonly MemberId[];
}

const Names = ({ lab, word, members }: NamesProps): JSX.Element | null =>
  members.length === 0 ? null : (
    <>
      {word}{' '}
      {members.map((member) => (
        <span key={member}>
          <RankName lab={lab} member={member} />{' '}
        </span>
      ))}
    </>
  );

function Times({ regroup }: { readonly regroup: Regroup }): JSX.Element | null {
  const parts = [
    { kind: 'notice', ms: regroup.noticeMs, word: words.regroups.noticed },
    { kind: 'regroup', ms: regroup.regroupMs, word: words.regroups.regrouped },
    { kind: 'resume', ms: regroup.resumeMs, word: words.regroups.wentOn },
  ].flatMap((part) => (part.ms === undefined ? [] : [{ ...part, ms: part.ms }]));
  if (parts.length < 2 || regroup.regroupMs === undefined) return null;
  return (
    <div class="times">
      <div class="times-bar" aria-hidden="true">
        {parts.map((part) => (
          <i key={part.kind} class={part.kind} style={{ flexGrow: Math.max(1, part.ms) }} />
        ))}
      </div>
      <p class="times-words numeric">
        {parts.map((part) => (
          <span key={part.kind}>
            <i class={`key ${part.kind}`} aria-hidden="true" />
            {part.word} <b>{span(part.ms)}</b>
          </span>
        ))}
      </p>
    </div>
  );
}
