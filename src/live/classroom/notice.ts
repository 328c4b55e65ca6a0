// How a page learns whether its server has a class. Apart from the messages of a class, which most pages never need.

import * as v from 'valibot';
import { SecretSchema } from '../link.ts';

/** Where a page asks: the server of a class answers it, and every build has a file there that says that there is none. */
export const CLASS_NOTICE = 'class.json';

/** Which class there is, by a public name that is new with each class. */
export const NoticeSchema = v.strictObject({ class: v.nullable(SecretSchema) });
