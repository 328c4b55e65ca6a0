// The transcripts in docs/scenarios.md are what the simulator tells today: a change of the protocol shows there, line by line.
// After a change that is meant: npx vitest run --project node test/node/simulator/transcripts.test.ts -u

import { describe, expect, it } from 'vitest';
import { SCENARIOS, scenarioExperiment } from '../../../src/simulator/scenarios.ts';
import { recordRun } from '../../../src/simulator/shrink.ts';
import { storyOf } from '../../../src/simulator/story.ts';

const OPTIONS = { seed: 1, ranks: 4 };

const INTRODUCTION = `# A dozen bad days

What the simulator tells of each named scenario, with seed ${OPTIONS.seed} and ${OPTIONS.ranks} ranks:
\`npx rankfall sim --scenario NAME\`. \`──\` marks what strikes. Pages are numbered in the
order in which they were opened. A test compares every line with what the protocol does today.
`;

describe('the named scenarios', () => {
  // A thousand ranks have no story of a few lines.
  const told = Object.entries(SCENARIOS).filter(([, scenario]) => scenario.ranks === undefined);
  const transcripts = told.map(([name, scenario]) => {
    const experiment = scenarioExperiment(scenario, OPTIONS);
    const { outcome, tape } = recordRun(experiment, { hash: true });
    return {
      name,
      tells: scenario.tells,
      steps: experiment.steps,
      outcome,
      story: storyOf({ experiment, tape }),
    };
  });

  it.each(transcripts)('$name: $tells, and the room finishes its job', ({ outcome, steps }) => {
    expect(outcome.verdict, outcome.reason).not.toBe('violated');
    expect(outcome.committed).toBe(steps);
  });

  it('are told in the documentation as they run', async () => {
    const sections = transcripts.map(
      ({ name, tells, story }) =>
        `## ${name}\n\n${tells.charAt(0).toUpperCase()}${tells.slice(1)}.\n\n\`\`\`\n${story.join('\n').trimEnd()}\n\`\`\`\n`,
    );
    await expect([INTRODUCTION, ...sections].join('\n')).toMatchFileSnapshot('../../../docs/scenarios.md');
  });
});
