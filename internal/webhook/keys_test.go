package webhook

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"voted/internal/livefile"
)

// line is a line of a key file that is not drawn.
func line(first byte) string {
	m := master{first}
	return base64.StdEncoding.EncodeToString(m[:])
}

func writeKeys(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func openKeys(t *testing.T, content string) (*Keys, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webhook.key")
	writeKeys(t, path, content)
	k, err := OpenKeys(livefile.NewWatch(slog.New(slog.DiscardHandler)), path)
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

func TestEachEndpointAndGenerationHasAKeyOfItsOwnOnAllMembers(t *testing.T) {
	t.Parallel()
	k, _ := openKeys(t, line(1)+"\n")
	same, _ := openKeys(t, "# the cluster's\n\n  "+line(1)+"  \r\n")
	other, _ := openKeys(t, line(2))
	seen := map[string]Generation{}
	for _, g := range []Generation{{"a", 1, 1}, {"b", 1, 1}, {"a", 2, 1}, {"a", 1, 2}, {"a\x00", 1, 1}, {"", 1, 1}} {
		secret := k.Key(g).Secret()
		if was, ok := seen[secret]; ok {
			t.Errorf("%v and %v have one key", was, g)
		}
		seen[secret] = g
		if same.Key(g).Secret() != secret {
			t.Errorf("another member with the same key has another secret for %v", g)
		}
		if other.Key(g).Secret() == secret {
			t.Errorf("another file gives the same secret for %v", g)
		}
	}
	// Receivers have these secrets: another derivation would refuse everybody's deliveries.
	if got, want := k.Key(Generation{"crm", 7, 2}).Secret(), "whsec_/3O1MiFSS+4i8Qj/BSX95e7QfS8wnbAH1G2QKT8m4Qo="; got != want {
		t.Errorf("the secret is %s, not %s", got, want)
	}
	if k.Fingerprint() != same.Fingerprint() || k.Fingerprint() == other.Fingerprint() || len(k.Fingerprint()) != 16 {
		t.Errorf("fingerprints %s, %s, %s", k.Fingerprint(), same.Fingerprint(), other.Fingerprint())
	}
}

func TestWhileKeysAreRotatedAllThatReceiversMayKnowSign(t *testing.T) {
	t.Parallel()
	k, _ := openKeys(t, line(2)+"\n"+line(1)+"\n")
	before, _ := openKeys(t, line(1))
	after, _ := openKeys(t, line(2))
	now, was := Generation{"crm", 1, 9}, Generation{"crm", 1, 4}
	got := k.Signing(now, was)
	want := []Key{after.Key(now), after.Key(was), before.Key(now), before.Key(was)}
	if len(got) != 4 || [4]Key(got) != [4]Key(want) {
		t.Errorf("deliveries are signed by %d keys that are not the four in force", len(got))
	}
	if k.Key(now) != after.Key(now) || k.Fingerprint() != after.Fingerprint() {
		t.Error("the first line is not the one that counts")
	}
}

func TestAKeyFileIsReadAgainAndABadOneChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, path := openKeys(t, line(1))
		first := k.Fingerprint()
		writeKeys(t, path, "not a key\n")
		time.Sleep(livefile.LookEvery)
		if k.Fingerprint() != first {
			t.Error("a file that cannot be used has changed the key")
		}
		writeKeys(t, path, line(2)+"\n"+line(1)+"\n")
		time.Sleep(livefile.LookEvery)
		if k.Fingerprint() == first || len(k.Signing(Generation{})) != 2 {
			t.Error("the changed file was not read")
		}
	})
}

func TestABadKeyFileIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString(make([]byte, 31))
	for name, c := range map[string]struct{ content, says string }{
		"nothing":            {"", "it has no key"},
		"comments alone":     {"# nothing here\n", "it has no key"},
		"a short key":        {short, "no key of 32 bytes"},
		"no base64":          {line(1) + "\nhunter2hunter2\n", "no key of 32 bytes"},
		"a secret":           {"whsec_" + line(1), "no key of 32 bytes"},
		"three keys":         {line(1) + "\n" + line(2) + "\n" + line(3), "more than two keys"},
		"the same key twice": {line(1) + "\n" + line(1), "both of its keys are the same"},
	} {
		path := filepath.Join(t.TempDir(), "webhook.key")
		writeKeys(t, path, c.content)
		_, err := OpenKeys(livefile.NewWatch(slog.New(slog.DiscardHandler)), path)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "voted webhook key") {
			t.Errorf("%s: %v", name, err)
		}
		for text := range strings.FieldsSeq(c.content) {
			if err != nil && len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error shows the file: %v", name, err)
			}
		}
	}
}

func TestAKeyShowsItselfOnlyAsASecret(t *testing.T) {
	t.Parallel()
	k, _ := openKeys(t, line(1))
	key := k.Key(Generation{"crm", 1, 1})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		if got := fmt.Sprintf(verb, key); got != "(a webhook key)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if !strings.HasPrefix(key.Secret(), "whsec_") {
		t.Errorf("the secret is %q", key.Secret())
	}
}

func TestADrawnLineIsAKeyFile(t *testing.T) {
	t.Parallel()
	first, err := NewKeyLine()
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewKeyLine()
	if err != nil || first == second {
		t.Fatalf("the lines %q and %q are drawn: %v", first, second, err)
	}
	openKeys(t, first+"\n"+second+"\n")
}

// The vector is that of the specification's text, made with openssl:
//
//	printf 'evt_c_1.1795830012.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:01000… -binary | base64
func TestASignatureIsOfIDSecondAndBody(t *testing.T) {
	t.Parallel()
	one, two := Key{[keyBytes]byte{1}}, Key{[keyBytes]byte{2}}
	at := time.Unix(1795830012, 999_999_999)
	if got, want := Sign("evt_c_1", at, []byte(`{"a":1}`), one), "v1,Qy6lOyfKsq68o2GtFuZgC3Cn0jmpFT4COBimyLce4YQ="; got != want {
		t.Errorf("signed %s, not %s", got, want)
	}
	if got, want := Sign("evt_c_1", at, []byte(`{"a":1}`), one, two), "v1,Qy6lOyfKsq68o2GtFuZgC3Cn0jmpFT4COBimyLce4YQ= v1,I8fPDG/SpGdnuu2WfEvzbxj0ZTgWmiC3vPz+T7nDzXE="; got != want {
		t.Errorf("signed %s by two keys, not %s", got, want)
	}
	if Sign("evt_c_1", at, []byte(`{"a":1}`), one) == Sign("evt_c_1", at.Add(time.Second), []byte(`{"a":1}`), one) {
		t.Error("a later attempt has the same signature")
	}
}
