// The page of the lessons.

import { render } from 'preact';
import { speakAsTheBrowserDoes } from '../language/language.ts';
import { applyTheme } from '../theme.ts';
import { LessonsPage } from './LessonsPage.tsx';
import './lessons.css';

applyTheme();
const stage = document.querySelector<HTMLElement>('#lessons');
const frames = document.querySelector<HTMLElement>('#frames');
if (stage !== null && frames !== null) {
  await speakAsTheBrowserDoes();
  render(<LessonsPage frames={frames} />, stage);
}
