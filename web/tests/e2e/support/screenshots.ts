/**
 * Where the pictures of the README go: to the test's results, and in place of those of the README with
 * `SCREENSHOTS=1 npm run e2e`.
 */

import { fileURLToPath } from 'node:url';

const PLACE = process.env.SCREENSHOTS === undefined ? 'test-results/screenshots/' : 'screenshots/';

export const SCREENSHOTS = fileURLToPath(new URL(`../../../${PLACE}`, import.meta.url));
