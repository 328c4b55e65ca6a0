/** What an event is about: the filters of the event log. */
export type Topic = 'membership' | 'state' | 'faults' | 'votes' | 'links' | 'steps';
