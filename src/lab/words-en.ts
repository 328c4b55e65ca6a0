// Every word that the lab shows, apart from the sentences about events (sentences-en.ts); in English. words-zh.ts has the same in Chinese.

import { ACCOUNT_NAMES } from '../trace/account-names.ts';
import { CHAOS_SPELLING } from '../faults/chaos.ts';
import type { FaultKind } from '../faults/vocabulary.ts';
import { PRESET_NAMES } from '../job/presets.ts';
import { WIRE_SPELLING } from '../job/wire-schema.ts';
import { ICE_SPELLING, SIGNAL_SPELLING } from '../transport/network-settings.ts';
import type { RefusalCode } from '../transport/refusal.ts';
import { count as number } from './format.ts';
import type { Language } from './language/language.ts';
import type { Wording } from './language/word-table.ts';
import type { Topic } from './topic.ts';
import type { Activity, RoomState } from './model/room-view.ts';

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

const ROOM_STATES: Readonly<Record<RoomState, string>> = {
  opening: 'Opening',
  joining: 'Joining',
  ready: 'Ready to train',
  paused: 'Paused',
  training: 'Training',
  regrouping: 'Regrouping',
  done: 'Finished',
  stuck: 'No majority',
  stopped: 'Stopped',
  empty: 'No rank here',
};

const ACTIVITIES: Readonly<Record<Activity, string>> = {
  starting: 'Starting',
  joining: 'Joining',
  regrouping: 'Regrouping',
  healing: 'Healing',
  idle: 'Ready',
  training: 'Training',
  done: 'Done',
  stuck: 'Stuck',
  stopped: 'Stopped',
  gone: 'Gone',
  silent: 'Not answering',
};

const REFUSALS: Readonly<Record<RefusalCode, string>> = {
  'wrong-secret': 'wrong secret',
  version: 'another version',
  timeout: 'no proof in time',
  malformed: 'no handshake',
  'duplicate-member': 'an id in use',
  self: 'our own id',
  misbehaved: 'broke the rules',
  dropped: 'closed on purpose',
  'linked-otherwise': 'linked otherwise',
  flood: 'a flood of calls',
};

const TOPICS: Readonly<Record<Topic, string>> = {
  membership: 'Membership',
  state: 'Healing and checkpoints',
  faults: 'Faults and engines',
  votes: 'Votes',
  links: 'Links',
  steps: 'Every step',
};

/** What a fault is called, and what it does, in one sentence. */
const FAULTS: Readonly<Record<FaultKind, { readonly name: string; readonly does: string }>> = {
  kill: { name: 'Kill', does: 'The rank vanishes without a word. Its peers must find out by themselves.' },
  close: { name: 'Close', does: 'The rank goes as a closed tab does: it still says goodbye.' },
  freeze: {
    name: 'Freeze',
    does: 'The rank stops answering for a while, then wakes and believes that nothing happened: a zombie.',
  },
  cut: { name: 'Cut the link', does: 'Messages between this rank and a peer vanish; both are well.' },
  delay: { name: 'Delay messages', does: 'Every message of this rank arrives late.' },
  corrupt: { name: 'Corrupt messages', does: 'Now and then a bit of a message is flipped on the way.' },
  jitter: { name: 'Jitter', does: 'Every message of this rank arrives late, each by another time.' },
  'limit-bandwidth': {
    name: 'Limit bandwidth',
    does: 'The links of this rank move only so many bytes a second.',
  },
  'hold-link': {
    name: 'Hold messages',
    does: 'What this rank says waits, and leaves all at once afterwards.',
  },
  'repeat-late': {
    name: 'Repeat messages late',
    does: 'Some of what this rank says arrives twice, the second time late, even over a new connection.',
  },
  'reset-link': { name: 'Reset the link', does: 'The connection ends on both sides, and is set up anew.' },
  'exhaust-gpu': {
    name: 'Exhaust GPU memory',
    does: 'Really allocates GPU memory until the machine refuses, and holds it.',
  },
  'refuse-gpu': { name: 'Refuse GPU memory', does: 'Every new GPU allocation of this rank is refused.' },
  'fill-queue': {
    name: 'Fill the send queue',
    does: 'Every send of this rank is refused, as if its queue were full.',
  },
  'refuse-storage': { name: 'Refuse storage', does: 'Nothing can be stored: neither checkpoints nor votes.' },
  'limit-storage': {
    name: 'Limit storage',
    does: 'Checkpoints may take only so much room; one that does not fit is refused.',
  },
  'ambiguous-storage': {
    name: 'Answer wrongly about storage',
    does: 'What is stored lands, and the rank is told that it did not.',
  },
  'loader-throws': { name: 'Loader throws', does: 'Reading the next batch fails.' },
  'loader-hangs': { name: 'Loader hangs', does: 'Reading the next batch never returns.' },
  'loader-garbles': {
    name: 'Loader brings rubbish',
    does: 'The next batch is short, has labels that there are not, or numbers that are not finite.',
  },
  'bad-sample': {
    name: 'A bad sample',
    does: 'One sample of this rank’s next batch is no good. All ranks agree to leave it out, and do the step again without it.',
  },
  'lose-data': {
    name: 'Lose the data set',
    does: 'The data set is gone from this rank’s memory, and the server has none to send.',
  },
  'oversize-buffer': {
    name: 'Ask for too large a buffer',
    does: 'The next allocations ask for more than the GPU’s largest buffer.',
  },
  'lose-device': { name: 'Lose the GPU', does: 'The GPU device of this rank is really destroyed.' },
  nan: {
    name: 'Not a number',
    does: 'One contribution of this rank is not finite: the room stops and says why.',
  },
  'flip-bit': {
    name: 'Flip a bit',
    does: 'One bit of this rank’s weights, of the optimizer’s moments, or of a gradient is silently another.',
  },
  'slow-gpu': { name: 'Slow the rank down', does: 'All work of this rank takes so many times as long.' },
  'slow-map': { name: 'Late results', does: 'What this rank has computed comes back from the GPU late.' },
  'hang-kernel': { name: 'Hang a kernel', does: 'What this rank computes does not come back for a while.' },
  'silent-link': {
    name: 'Silent link',
    does: 'Nothing passes between this rank and a peer, and nobody is told.',
  },
  partition: { name: 'Cut the rank off', does: 'This rank hears nobody, and nobody hears it.' },
  'stall-collective': {
    name: 'Stall the all-reduce',
    does: 'Heartbeats pass, and the gradients that this rank sends wait.',
  },
  'reconnect-storm': {
    name: 'Reconnect storm',
    does: 'The connection ends on both sides every half second, and is set up anew each time.',
  },
  'damage-checkpoint': {
    name: 'Damage a checkpoint',
    does: 'A bit of the newest checkpoint in this browser is flipped where it is stored.',
  },
  'evict-checkpoints': { name: 'Delete the checkpoints', does: 'All checkpoints of this browser are gone.' },
  'clock-jump': {
    name: 'Jump the clock',
    does: 'The clock of this rank jumps ahead, as after a suspended machine.',
  },
  'clock-drift': { name: 'Run the clock fast', does: 'The clock of this rank runs a quarter too fast.' },
  hide: {
    name: 'Hide the tab',
    does: 'The page gets a turn once a second, as in the background, while its worker goes on.',
  },
  mute: {
    name: 'Mute',
    does: 'Nothing that the rank says gets out, not even a goodbye, though it hears. After a quarter of the time it freezes as well.',
  },
  'lose-signalling': {
    name: 'Lose the signalling server',
    does: 'The page meets nobody new. Links that stand go on.',
  },
  'hog-cpu': {
    name: 'Keep the worker busy',
    does: 'The rank’s thread is really busy for most of the time. It asks first.',
  },
  'grow-memory': {
    name: 'Take memory',
    does: 'Memory of this machine is really taken and held. It asks first.',
  },
  'fill-storage': {
    name: 'Fill the storage',
    does: 'The storage of this site is really filled and held. It asks first.',
  },
};

export const english = {
  name: 'Rankfall',
  /** What the switch says: in the other language, for those who read that one. */
  speak: { label: '中文', lang: 'zh-Hans' as Language, means: 'Show this page in Chinese' },
  roomStates: ROOM_STATES,
  activities: ACTIVITIES,
  topics: TOPICS,
  faults: FAULTS,

  header: {
    room: 'Room',
    copyLink: 'Copy link',
    copied: 'Link copied. Open it in another tab or window to join.',
    copyByHand: (link: string) => `This browser does not let the page copy. The link is ${link}`,
    theme: { auto: 'Colours: as the system', light: 'Colours: light', dark: 'Colours: dark' },
    lessons: 'Lessons',
    lessonsMeans: 'Eight lessons, to predict, run and check. They open in a tab of their own.',
    exact: 'exact',
    exactMeans:
      'Exact: after every step the state has the same bits as a run with one rank and no faults would have.',
    unpromised: (step: number) => `agreed, not promised since step ${step}`,
    unpromisedMeans:
      'All ranks hold the same bits, but their engines round differently, so equality with another run is not promised.',
    generation: (n: number) => `generation ${n}`,
    noGeneration: 'no generation yet',
    ranks: (n: number) => count(n, 'rank', 'ranks'),
  },

  actions: {
    label: 'The run',
    start: 'Start',
    resume: 'Resume',
    pause: 'Pause',
    finished: 'Finished',
    addRank: 'Add rank',
    opening: (n: number) => `Opening ${n}…`,
    checkpoint: 'Checkpoint',
    leave: 'Leave',
    saved: (step: number, size: string) => `Checkpoint saved at step ${step} (${size}).`,
    full: (n: number) => `This tab holds ${n} ranks already. Open the link in another tab to add more.`,
  },

  welcome: {
    title: 'Four ranks, one network, and a kill button',
    body: (steps: number) =>
      `Start opens three more ranks in this tab. Together they train a small network for ${number(steps)} steps. Then kill one, and watch the others go on without losing a step.`,
    start: 'Start four ranks',
    starting: 'Opening the ranks…',
    place: 'A place for a rank',
  },

  ring: {
    title: 'Ring',
    describe: (state: string, step: number, steps: number, ranks: number) =>
      `${state}: step ${step} of ${steps}, ${count(ranks, 'rank', 'ranks')} in the ring.`,
    of: (steps: number) => `of ${number(steps)} steps`,
    rate: (perSecond: number) => `${perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)} steps/s`,
    resumed: (step: number) => `resumed from ${step}`,
    breakRank: (name: string) => `Break rank ${name}`,
    breakLink: (from: string, to: string) => `Break the link between ${from} and ${to}`,
    hint: 'Choose a rank or a link to break it.',
    apart: (one: number, other: number, carried: boolean) =>
      `Ranks ${one} and ${other} are apart: no link between them works. ${carried ? 'Others carry for them.' : 'The ring goes round it.'}`,
    moreApart: (n: number) => `${count(n, 'more pair is', 'more pairs are')} apart.`,
    witness: (name: string, votes: boolean, reached: boolean) =>
      `Witness ${name}: ${votes ? (reached ? 'has its vote' : 'has its vote, and is not heard from') : 'no vote here'}`,
    witnessMeans:
      'A voter that computes nothing, with a vote where the ranks are even in number: of two halves, the one that reaches it goes on.',
  },

  ranks: {
    title: 'Ranks',
    rank: (n: number) => `Rank ${n}`,
    newcomer: 'Newcomer',
    /** Believes to be a member, while the others have gone on without it. */
    cutOff: 'Cut off',
    former: 'Was here:',
    elsewhere: 'in another tab',
    member: (id: string) => `member ${id}`,
    kill: 'Kill',
    killMeans: 'without a goodbye: its peers must find out',
    close: 'Close',
    closeMeans: 'with a goodbye, as a closed tab does',
    more: 'More faults',
    moreMeans: 'choose another fault for this rank',
    step: 'Step',
    state: 'State',
    pieces: (n: number, of: number) => `${n} of ${of} pieces`,
    engine: 'Engine',
    batchesMeans: (n: number, all: number) => `${n} of ${all} micro-batches`,
    links: 'Links',
    carried(links: readonly { readonly carrier: 'broadcast' | 'relay' }[]): string {
      const relayed = links.filter(({ carrier }) => carrier === 'relay').length;
      return [
        ...(relayed > 0 ? [`${relayed} through the server`] : []),
        ...(relayed < links.length ? [`${links.length - relayed} inside this browser`] : []),
      ].join(', ');
    },
    refusals: 'Refused',
    refusalsMean: 'Links that this rank refused, or dropped because their other end broke the rules',
    refused: (refusals: readonly { readonly code: RefusalCode; readonly count: number }[]): string =>
      refusals.map(({ code, count }) => `${count} × ${REFUSALS[code]}`).join(', '),
    sent: 'Sent',
    sentMeans: (saved: string): string =>
      `${saved} less than with four bytes for each number of a gradient: most of them need fewer.`,
    heard: 'Heard',
    heardNow: 'just now',
    heardAgo: (time: string) => `${time} ago`,
    software: 'software',
    agrees: (n: number) => `same as ${count(n - 1, 'other', 'others')}`,
    agreesMeans: (step: number) => `compared at step ${step}, among the ranks of this tab`,
    differs: (step: number) => `differs from the others at step ${step}`,
    engineUnknown: 'opening…',
    preflight: (bytes: string, samples: number) =>
      `Takes ${bytes} of GPU memory; micro-batches of up to ${number(samples)} would fit.`,
    preflightMeans: (limit: string) =>
      `Estimated before the rank said it was ready: no buffer of this GPU may be longer than ${limit}.`,
    suspected: 'Suspected',
    hidden: 'in the background',
    hiddenMeans:
      'Its tab is hidden, and browsers slow such pages down: the others are patient with it for as long as a collective may take.',
    killed: (time: string) => `killed ${time} ago`,
    closed: (time: string) => `closed ${time} ago`,
    left: (time: string) => `left ${time} ago`,
    addHere: 'Add a rank to this tab',
    invite: 'Volunteers’ link',
    inviteMeans: 'Copies a link for strangers: it says what will run and what it costs, and asks them first',
    invited:
      'The volunteers’ link is copied. It says what will run and what it costs, and asks before anything runs.',
    emptyTitle: 'No rank runs in this tab',
    emptyBody: 'Add one, and it joins the room or takes up its newest checkpoint.',
  },

  charts: {
    loss: 'Loss',
    lossOfText: 'Loss per character',
    accuracy: 'Accuracy',
    accuracyOfText: 'Next character right',
    eachStep: 'each step',
    mean: 'mean of ten',
    heldOut: 'held out',
    training: 'training',
    regroup: 'regroup',
    step: 'step',
    empty: 'The curve begins with the first step.',
    emptyAccuracy: 'Measured on samples that training never sees.',
    emptyAccuracyOfText: 'Measured on the last tenth of the text, which training never sees.',
    describe: (what: string, value: string, step: number) => `${what} ${value} at step ${step}.`,
    failed: (why: string) => `The charts could not be loaded: ${why}`,
  },

  choose: {
    legend: 'What it learns',
    jobs: {
      digits: 'Handwritten digits',
      'digits-cnn': 'Digits, by convolution',
      'moby-dick': 'Moby-Dick, by characters',
      spirals: 'Three spirals',
      moons: 'Two moons',
      circles: 'Two circles',
      own: 'A text file of yours',
    },
    file: (limit: string) => `A text file in UTF-8, at most ${limit}. It stays in this browser.`,
    noFile: 'Choose a text file first.',
    tooLarge: (name: string, limit: string) => `“${name}” is larger than ${limit}. Bring a shorter text.`,
    unknownText:
      'The address names a text that this browser does not have. Choose the same file below, or something else to learn.',
  },

  look: {
    plane: 'What it tells apart',
    digits: 'Held-out digits',
    about: 'As the newest state sees them.',
    by: (step: number) => `As the state at step ${step} sees them.`,
    planeMeans: (name: string, classes: number, step: number) =>
      `The plane, coloured by the ${classes} classes of ${name} as the state at step ${step} tells them apart, with some of the points.`,
    planeReads: (points: number) =>
      `Each place has the colour of the class that the model gives it, mixed where it is unsure. The ${points} dots are samples it learns from, in the colour of their true class.`,
    right: (guess: number) => `says ${guess}, right`,
    wrong: (guess: number, label: number) => `says ${guess}, is ${label}`,
    empty: 'Shown as soon as a rank has its engine.',
  },

  bring: {
    ask: (hash: string) =>
      `This room learns from a text that this browser does not have (SHA-256 ${hash}…). Choose the same file, and a rank of this tab joins in.`,
    other: (name: string) =>
      `“${name}” is another text than the room’s. Ask for the very file that the room began with.`,
  },

  write: {
    title: 'Let it write',
    about: 'One state of the model goes on from your words, while training goes on.',
    prompt: 'Prompt',
    temperature: 'Temperature',
    topK: 'Top k',
    seed: 'Seed',
    write: 'Write',
    again: 'Write anew',
    stop: 'Stop',
    empty: 'At temperature 0 it takes the likeliest character each time; the higher, the more daring.',
    by: (step: number) => `Written by the state at step ${step}.`,
  },

  regroups: {
    title: 'Generations',
    about: 'Each change of membership, and how long it took.',
    generation: (n: number) => `Generation ${n}`,
    lost: 'without',
    joined: 'with',
    opened: 'the room opens',
    entered: 'this tab joins the room',
    founded: 'a new incarnation of the room begins',
    same: 'the same ranks, in agreement anew',
    noticed: 'noticed',
    regrouped: 'regrouped',
    wentOn: 'went on',
    after: (ms: string) => `after ${ms}`,
    atStep: (step: number) => `at step ${step}`,
    empty: 'Add or kill a rank, and the new generation appears here with its times.',
  },

  checkpoints: {
    title: 'Checkpoints',
    about: (path: string) => `Kept in this browser as “${path}”; each was read back before it counted.`,
    step: (step: number) => `Step ${step}`,
    ago: (time: string) => `${time} ago`,
    now: 'just now',
    verified: 'verified',
    unverified: 'not verified yet',
    skipped: 'does not verify',
    foreign: (job: string) => `of another job (${job})`,
    foreignMeans: (job: string, trained: string) =>
      `It was saved for the job ${job}, and this room trains ${trained}: a resume here passes it over. “Restore” opens a room that trains its job.`,
    pinned: 'pinned',
    copies: (count: number) => (count === 1 ? '1 copy' : `${count} copies`),
    more: 'More',
    rollBack: 'Roll back',
    rollBackAbout: 'The whole room goes back to here and trains on, once its members have agreed.',
    rolledBack: (step: number) => `The room has gone back to step ${step}.`,
    restore: 'Restore',
    restoreAbout:
      'Opens a new room that goes on from here. This tab leaves the present one; others stay in it.',
    verify: 'Verify',
    pin: 'Pin',
    unpin: 'Unpin',
    download: 'Download',
    corrupt: 'Corrupt',
    delete: 'Delete',
    verifyAll: 'Verify all',
    upload: 'Upload .safetensors',
    read: (step: number, sound: boolean) =>
      sound ? `Step ${step} verifies.` : `Step ${step} is damaged: a resume will skip it.`,
    readAll: (count: number, damaged: number) =>
      damaged === 0 ? `All ${count} verify.` : `${damaged} of ${count} are damaged: a resume will skip them.`,
    deleted: 'Deleted.',
    damaged: 'One bit of it was flipped. Verify it, or close every tab and come back.',
    downloaded: (name: string) => `Saved as ${name}.`,
    uploaded: (step: number) => `Taken in at step ${step}, verified and pinned. “Restore” goes on from it.`,
    storage: (used: string, quota: string, persisted: boolean) =>
      `${used} of ${quota} used; ${persisted ? 'the browser keeps it' : 'the browser may clear it when the disk is full'}.`,
    short: 'There is little room left: delete some, or keep fewer.',
    noPace: 'What saving costs is shown once this run has saved one.',
    tradeOff: (interval: string, lost: string, best: string, overhead: string) =>
      `A checkpoint every ${interval} loses ${lost} of the time, ${overhead} of it for saving and the rest for what a failure would undo. Least is lost at ${best}.`,
    empty:
      'The first is saved after some steps, or now, with “Checkpoint”. Close every tab and open the link again: the run goes on from the newest.',
  },

  log: {
    title: 'Event log',
    filter: 'Show',
    download: 'Download log',
    downloadMeans:
      'Everything the ranks of this tab were told and decided: “npx rankfall replay FILE” runs it again.',
    incident: 'Download incident',
    incidentMeans:
      'Who is at what, whom the room waits for, the last of pages that are gone, and the logs of this tab’s ranks: "npx rankfall replay FILE" tells it.',
    diagram: 'See it as a diagram',
    diagramMeans:
      'Runs the log of this tab’s ranks again in the race laboratory, and draws it: who sent what to whom, and when.',
    downloaded: (name: string, size: string) => `${name} (${size}) is yours: npx rankfall replay ${name}`,
    allRanks: 'All ranks',
    ofRank: 'Rank',
    soFar: 'That is all so far. Kill a rank, and read here how its peers find out and what they do about it.',
    newer: (n: number) => count(n, 'newer event', 'newer events'),
    empty: 'Nothing of this kind has happened yet.',
    good: 'good',
    bad: 'problem',
  },

  costs: {
    title: 'Where the time goes',
    about: 'Of all ranks, since the run began. Goodput is the part that went into gradients which counted.',
    goodput: (part: string) => `goodput ${part}`,
    empty: 'Every millisecond of the ranks is accounted for here, once they train.',
    accounts: ACCOUNT_NAMES,
    queue: 'Fullest send queue',
    buffer: 'Largest GPU buffer',
    storage: 'Browser storage',
    of: (used: string, limit: string) => `${used} of ${limit}`,
    held: (all: string) => `${all} held by this tab’s engines`,
  },

  /** The rest is in simulation/race-words.ts, which is loaded with it. */
  simulation: {
    title: 'Race laboratory',
    about: 'Protocols in a simulated world, where a race that was seen once is a seed.',
    open: 'Open the simulator',
    opening: 'Opening…',
    failed: (why: string) => `The simulator could not be loaded: ${why}`,
  },

  consent: {
    title: {
      'gpu-memory': 'Exhaust this machine’s GPU memory?',
      memory: 'Take memory of this machine?',
      storage: 'Fill the storage of this site?',
      cpu: 'Keep this machine busy?',
    },
    body: {
      'gpu-memory':
        'This allocates real GPU memory, 1 GiB at most, until the GPU refuses or the budget is used. It is freed after a minute at the latest, or when you heal the fault. Other pages and programs on this machine may become slow, or lose their GPU for a moment.',
      memory:
        'This takes real memory, 1 GiB at most, and holds it for a minute at most, or until you heal the fault. Other pages and programs on this machine may become slow.',
      storage:
        'This stores real data, 1 GiB at most, until the browser grants no more or the budget is used. It is deleted after a minute at the latest, or when you heal the fault. Checkpoints may fail meanwhile.',
      cpu: 'This keeps a thread busy with nothing for most of the time, for a minute at most, or until you heal the fault. The page may answer late.',
    },
    yes: 'Allow it',
    no: 'Cancel',
  },
  faultPanel: {
    title: 'Break something',
    about: 'A fault acts within one rank of this tab.',
    which: 'Which rank',
    what: 'What happens to it',
    peer: 'Towards',
    allPeers: 'all peers',
    direction: 'Direction',
    directions: { both: 'both ways', in: 'only to it', out: 'only from it' },
    delayMs: 'Delay',
    chance: 'Chance per message',
    times: 'Times',
    duration: 'For',
    untilHealed: 'until healed',
    inject: 'Inject',
    factor: 'How slow',
    how: 'What is wrong',
    garbled: {
      short: 'too few samples',
      labels: 'unknown labels',
      'non-finite': 'numbers that are not finite',
    },
    where: 'Of what',
    bits: { parameters: 'the weights', moments: 'the optimizer’s moments', gradient: 'a gradient' },
    active: 'Active faults',
    heal: 'Heal',
    none: 'None acts in this tab.',
    noRank: 'Open a rank first; then there is something to break.',
    budget: 'At most',
    bandwidth: 'Bytes a second',
    room: 'Room',
    injected: (fault: string, rank: string) => `${fault}: injected in rank ${rank}.`,
  },

  banners: {
    dismiss: 'Dismiss',
    stuckTitle: 'The room cannot reach a majority.',
    stuck: (names: string) =>
      `It waits for ${names}. Bring one of those tabs back, or go on without them: that founds a new incarnation from the best state at hand, and the others will have to give up theirs.`,
    stuckNobody: 'It waits for seats that nobody answers for.',
    force: 'Go on without them',
    badLink: 'Make a new room',
    frameFailed: (reason: string) => `A rank could not start. ${reason}`,
    label: 'Problems',
    noRank: (name: string) => `No rank ${name} runs in this tab.`,
    noAnswer: (what: string, seconds: number) =>
      `${what}: no answer within ${seconds} s. The rank may be frozen or gone.`,
    frameSilent: (seconds: number) =>
      `A rank's page did not come up within ${seconds} s. Reload this page; if that does not help, look at the browser's console.`,
  },

  /** What the lab's address says, where it is wrong. */
  address: {
    wrong: (name: string, found: string, expected: string, instead: string | undefined) =>
      `The address says ${name}=${found}; expected ${expected}. Going on ${instead === undefined ? 'without it' : `with ${instead}`}.`,
    unknown: (name: string) => `The address says ${name}=…, which the lab does not know; it is ignored.`,
    usualJob: (why: string) => `${why} Going on with the usual job.`,
    wholeNumber: (min: number, max: number) => `a whole number from ${min} to ${max}`,
    either: (choices: readonly string[]) => `${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}`,
    text: 'the SHA-256 of a text, 64 hex digits',
    job: PRESET_NAMES.join(', '),
    wire: WIRE_SPELLING,
    checkpoints: 'a name of 1 to 64 letters, digits, blanks, dots, dashes or underscores',
    from: 'the id of a checkpoint',
    save: 'steps (20), seconds (30s), epoch, hide or auto (auto:SECONDS), with commas between them',
    signal: SIGNAL_SPELLING,
    ice: ICE_SPELLING,
    chaos: CHAOS_SPELLING,
    name: '1 to 64 letters, digits, blanks, dots, dashes or underscores',
  },

  left: {
    title: (room: string) => `You have left room ${room}.`,
    body: 'Its checkpoints stay in this browser. You can come back, and the others go on meanwhile.',
    again: 'Join again',
    fresh: 'Make a new room',
  },

  loadFailed: {
    title: 'This link does not open a room.',
  },
} as const;

export type Words = Wording<typeof english>;
