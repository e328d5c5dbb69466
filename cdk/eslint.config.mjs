import appsync from '@aws-appsync/eslint-plugin';
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['build/', 'cdk.out/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and the like read as they are meant.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test awaits its tests itself.
      '@typescript-eslint/no-floating-promises': 'off',
    },
  },
  {
    // What AppSync runs: its runtime knows only a part of JavaScript.
    files: ['resolvers/**/*.js'],
    extends: [eslint.configs.recommended, appsync.configs.base],
  },
);
