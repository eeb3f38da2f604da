package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestArgumentsThatAreNotUTF8AreRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	for line, says := range map[string]string{
		"cast lunch zo\xeb pizza":                 `argument 3, "zo\xeb", is not UTF-8; write it in UTF-8`,
		"cast lunch ann caf\xe9":                  `argument 4, "caf\xe9", is not UTF-8`,
		"cast caf\xe9 ann pizza":                  `argument 2, "caf\xe9", is not UTF-8`,
		"poll create lunch a=caf\xe9 b":           `argument 4, "a=caf\xe9", is not UTF-8`,
		"poll create lunch a b --title=caf\xe9":   `argument 6, "--title=caf\xe9", is not UTF-8`,
		"roll drop lunch zo\xeb":                  `argument 4, "zo\xeb", is not UTF-8`,
		"roll show lunch zo\xeb":                  `argument 4, "zo\xeb", is not UTF-8`,
		"credential issue lunch zo\xeb --key x":   `argument 4, "zo\xeb", is not UTF-8`,
		"import lunch caf\xe9.csv":                "can be given as -, on the standard input",
		"results caf\xe9 --endpoint http://\xff/": `argument 2, "caf\xe9", is not UTF-8`,
	} {
		got := voted(strings.Split(line, " ")...)
		if got.code != exitUsage || got.out != "" || !strings.Contains(got.errout, says) {
			t.Errorf("voted %q: exit %d\n%s%s", line, got.code, got.out, got.errout)
		}
	}
}

func TestVariablesThatAreNotUTF8AreRefusedByNameAndNotShown(t *testing.T) {
	t.Parallel()
	err := checkText([]string{"poll", "list"}, []string{"LC_ALL=\xff", "VOTED_TIMEOUT=5s", "VOTED_TOKEN=secret\xff"})
	if err == nil || !strings.Contains(err.Error(), `"VOTED_TOKEN" is not UTF-8`) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if err := checkText([]string{"cast", "lunch", "Zo\u00eb", "\ufffd"}, []string{"HOME=/\xff", "VOTED_TOKEN=x"}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestFilesInJSONThatAreNotUTF8AreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bytes of Latin-1": "{\"id\":\"x\",\"title\":\"caf\xe9\",\"options\":[\"a\",\"b\"]}",
		"half a surrogate": `{"id":"x","title":"caf\udce9","options":["a","b"]}`,
	} {
		file := write(t, filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".json"), text)
		got := voted("poll", "create", "--file", file, "--endpoint", "http://127.0.0.1:1")
		if got.code != exitUsage || !strings.Contains(got.errout, "it is no JSON in UTF-8 at byte 2") {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.out, got.errout)
		}
		file = write(t, filepath.Join(dir, "config-"+strings.ReplaceAll(name, " ", "-")+".json"), strings.Replace(text, `"title"`, `"log-level"`, 1))
		got = voted("poll", "list", "--config", file)
		if got.code != exitUsage || !strings.Contains(got.errout, "it must be a JSON object") {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.out, got.errout)
		}
	}
}

func TestCredentialsAreIssuedToVotersInOneFormOrToNoneAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	key := at("voting.key")
	if got := voted("credential", "key", key); got.code != 0 {
		t.Fatal(got)
	}
	for name, text := range map[string]string{"utf-8": "ann\r\n\r\nZoe\u0308\n", "marked": "\ufeffann\nZo\u00eb\n", "utf-16": "\xff\xfea\x00n\x00n\x00\n\x00Z\x00o\x00\xeb\x00\n\x00"} {
		got := voted("credential", "issue", "board", "--voters", write(t, at(name), text), "--signing-key", key, "--link", "https://x/{voter}#{credential}")
		lines := strings.Split(got.out, "\n")
		if got.code != 0 || len(lines) != 3 || !strings.HasPrefix(lines[0], "ann\t") || !strings.HasPrefix(lines[1], "Zo\u00eb\thttps://x/Zo%C3%AB#vc1.") {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.out, got.errout)
		}
	}
	for name, c := range map[string]struct{ text, says string }{
		"latin-1":   {"ann\nzo\xeb\n", "line 2, column 3 is not UTF-8; save the file in UTF-8; nothing was issued"},
		"blank":     {"ann\nbo \n", "line 2: character 3 of the voter id is U+0020 (space), white space at its end: leave it out; nothing was issued"},
		"invisible": {"a\u200bnn\n", "line 1: character 2 of the voter id is U+200B (zero width space), which cannot be seen: leave it out; nothing was issued"},
	} {
		got := voted("credential", "issue", "board", "--voters", write(t, at(name), c.text), "--signing-key", key)
		if got.code != exitUsage || got.out != "" || !strings.Contains(got.errout, c.says) {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.out, got.errout)
		}
	}
	got := voted("credential", "issue", "board", "ann", "bo ", "--signing-key", key)
	if got.code != exitUsage || got.out != "" || !strings.Contains(got.errout, "white space at its end: leave it out; nothing was issued") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.errout)
	}
}
