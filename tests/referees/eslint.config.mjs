import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// The other referees, in `*.test.mjs`, are plain programs.
export default tseslint.config(
  { ignores: ['*.mjs'] },
  {
    files: ['e2e/**/*.{ts,tsx}', '*.ts'],
    extends: [
      js.configs.recommended,
      ...tseslint.configs.strictTypeChecked,
      ...tseslint.configs.stylisticTypeChecked,
    ],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `void promise` says that nobody waits for it, on purpose.
      'no-void': ['error', { allowAsStatement: true }],
      // Fixtures that need no others.
      'no-empty-pattern': 'off',
    },
  },
);
