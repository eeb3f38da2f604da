package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestALinkForEveryVoterOfARollAndOneOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	key := at("voting.key")
	if got := voted("credential", "key", key); got.code != 0 {
		t.Fatal(got)
	}
	const link = "--link=https://vote.example.org/{poll}?v={voter}#{credential}"
	for name, file := range map[string]string{
		"CSV":    write(t, at("a.csv"), "voter,weight\nv1,3\n\"Ö, jr\",1\nv1,4\n"),
		"NDJSON": write(t, at("a.ndjson"), `{"voter":"v1","weight":3}`+"\n\n"+`{"voter":"Ö, jr"}`+"\n"+`{"voter":"v1"}`),
	} {
		got := voted("roll", "issue", "board", file, "--signing-key", key, link)
		lines := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
		if got.code != 0 || got.errout != "" || len(lines) != 2 ||
			!strings.HasPrefix(lines[0], "v1\thttps://vote.example.org/board?v=v1#vc1.") ||
			!strings.HasPrefix(lines[1], "Ö, jr\thttps://vote.example.org/board?v=%C3%96%2C%20jr#vc1.") {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.out, got.errout)
		}
	}
	for _, pages := range []string{"https://vote.example.org", "https://vote.example.org/"} {
		got := voted("roll", "issue", "board", at("a.csv"), "--signing-key", key, "--pages", pages)
		first, _, _ := strings.Cut(got.out, "\n")
		if got.code != 0 || !strings.HasPrefix(first, "v1\thttps://vote.example.org/vote/board#c=vc1.") || !strings.HasSuffix(first, "&.=1") {
			t.Errorf("--pages %s: exit %d\n%s%s", pages, got.code, got.out, got.errout)
		}
	}
	good := at("a.csv")
	for name, c := range map[string]struct {
		file string
		args []string
		says string
	}{
		"a file that breaks off":       {write(t, at("torn.csv"), "voter\nv6\n\"v7\n"), nil, "line 3"},
		"a voter who cannot be one":    {write(t, at("tab.csv"), "voter\nv6\n\"v\t7\"\n"), nil, "control character"},
		"a weight that is none":        {write(t, at("weight.csv"), "voter,weight\nv6,0\n"), nil, "line 2"},
		"no titles":                    {write(t, at("untitled.csv"), "v6,1\n"), nil, "titles"},
		"a list without voters":        {write(t, at("empty.csv"), "voter\n"), nil, "names no voter"},
		"no file":                      {at("none"), nil, "there is no file"},
		"a link that is all the same":  {good, []string{"--link=https://vote.example.org/"}, "{credential}"},
		"pages at no place":            {good, []string{"--pages=vote.example.org"}, "write scheme and host"},
		"pages below a path":           {good, []string{"--pages=https://example.org/vote"}, "write scheme and host"},
		"two kinds of links":           {good, []string{"--pages=https://example.org", "--link=https://example.org/{credential}"}, "only one of them"},
		"a time that is over":          {good, []string{"--valid=0s"}, "--valid"},
		"the public key for the other": {good, []string{"--signing-key=" + key + ".pub"}, "cannot be used"},
	} {
		got := voted(append([]string{"roll", "issue", "board", c.file, "--signing-key", key}, c.args...)...)
		if got.code != 2 || got.out != "" || !strings.Contains(got.errout, c.says) {
			t.Errorf("%s: exit %d, want 2 and %q\n%s%s", name, got.code, c.says, got.out, got.errout)
		}
	}
}
