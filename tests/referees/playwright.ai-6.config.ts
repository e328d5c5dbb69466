/** The same with the major version of the AI SDK before. */

process.env.AI_SDK = '6';

export { default } from './playwright.config.js';
