import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// The examples are checked as their users would: by the compiler, in their own tests.
export default tseslint.config({
  files: ['tests/**/*.ts', 'vitest.config.ts'],
  extends: [
    js.configs.recommended,
    ...tseslint.configs.strictTypeChecked,
    ...tseslint.configs.stylisticTypeChecked,
  ],
  languageOptions: {
    parserOptions: { project: ['./tests/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
  },
  rules: {
    '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  },
});
