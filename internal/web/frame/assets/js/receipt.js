// Shows the button that prints.
'use strict';
(() => {
  const button = document.getElementById('print');
  if (!button) return;
  button.hidden = false;
  button.addEventListener('click', () => window.print());
})();
