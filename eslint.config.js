// Biome formats and lints; eslint is here for the three rules that need types (STYLE: "the ones that matter here").

import tseslint from 'typescript-eslint';

const typed = {
  languageOptions: {
    parser: tseslint.parser,
    parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
  },
  plugins: { '@typescript-eslint': tseslint.plugin },
};

export default [
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: [
      '{schema,server,client-sdk,kiosk,razorpay-double,loadtest}/src/**/*.{ts,tsx}',
      'scripts/*.ts',
      'scripts/tidy/*.ts',
    ],
    ...typed,
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    // In a test a floating promise is an assertion that nobody waits for.
    files: ['**/test/**/*.{ts,tsx}'],
    ...typed,
    rules: { '@typescript-eslint/no-floating-promises': 'error' },
  },
  { ignores: ['vendor/**', '**/dist/**', '**/*.js', '**/*.mjs'] },
];
