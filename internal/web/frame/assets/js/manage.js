// Forms of organisers: times in the browser's own zone, only the rules of the chosen method, a look into a file before it is sent.
'use strict';
(() => {
  // The server reads and writes times in UTC. The fields show them in the browser's zone. One that was not touched goes back
  // as it came: the hour that a zone has twice is two hours in UTC.
  const two = n => String(n).padStart(2, '0');
  const local = utc => {
    const at = new Date(utc + 'Z');
    return isNaN(at) ? utc : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
  };
  const utc = local => {
    const at = new Date(local);
    return isNaN(at) ? local : at.toISOString().slice(0, 16);
  };
  for (const field of document.querySelectorAll('input[data-utc]')) {
    const came = field.value, shown = field.value = local(came);
    const note = document.querySelector(`#${field.id}-hint [data-zone]`);
    if (note) note.textContent = note.dataset.zone.replace('{0}', Intl.DateTimeFormat().resolvedOptions().timeZone);
    field.form.addEventListener('formdata', e => {
      if (field.value) e.formData.set(field.name, field.value === shown ? came : utc(field.value));
    });
  }

  // Rules of methods that are not chosen say nothing.
  const method = document.querySelector('select[name=method]');
  if (method) {
    const choose = () => {
      for (const part of document.querySelectorAll('[data-method]')) part.hidden = part.dataset.method !== method.value;
    };
    method.addEventListener('change', choose);
    choose();
  }

  // The first lines of a file, and how many there are. It is read piece by piece and stays here.
  const file = document.querySelector('#upload input[type=file]');
  const preview = document.getElementById('preview');
  if (file && preview) {
    file.addEventListener('change', async () => {
      preview.hidden = true;
      const chosen = file.files[0];
      if (!chosen) return;
      const decoder = new TextDecoder(document.getElementById('charset').value);
      let lines = 0, first = '', last = '';
      for (const reader = chosen.stream().getReader(); ;) {
        const {done, value} = await reader.read();
        if (done) break;
        if (file.files[0] !== chosen) return;
        last = decoder.decode(value, {stream: true});
        lines += last.split('\n').length - 1;
        if (first.split('\n').length <= 10) first += last.slice(0, 4096);
      }
      if (last && !last.endsWith('\n')) lines++;
      preview.querySelector('p').textContent = preview.dataset.lines.replace('{0}', lines.toLocaleString(document.documentElement.lang));
      preview.querySelector('pre').textContent = first.split('\n').slice(0, 10).join('\n');
      preview.hidden = false;
    });
  }
})();
