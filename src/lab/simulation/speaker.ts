// Who says what a button has done: the lab's toast and its banners.

export interface Speaker {
  say(text: string): void;
  complain(text: string): void;
}
