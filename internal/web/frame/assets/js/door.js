// Takes the code of a voting link from behind the sign #, out of the address at once, and sends it in a form.
'use strict';
(() => {
  const enter = () => {
    const code = location.hash.slice(1).replace(/^c=/, '').split('&')[0];
    if (code.length < 16 || !/^[\w.~-]+$/.test(code)) return; // an anchor of the page
    history.replaceState(null, '', location.pathname);
    const form = document.createElement('form');
    const field = document.createElement('input');
    form.method = 'post';
    form.action = location.pathname.split('/').slice(0, 3).join('/');
    form.hidden = true;
    field.name = 'code';
    field.value = code;
    form.append(field);
    document.body.append(form);
    form.submit();
  };
  addEventListener('hashchange', enter);
  enter();
})();
