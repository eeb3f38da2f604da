// Moves the focus to what is wrong with a form: it is read first, and the keyboard goes on from there.
'use strict';
(() => {
  const problems = document.querySelector('.problems[role=alert]');
  if (!problems) return;
  problems.tabIndex = -1;
  problems.focus();
})();
