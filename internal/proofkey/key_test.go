package proofkey

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"voted/internal/pki"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) Key {
	t.Helper()
	k, err := New()
	must(t, err)
	return k
}

func newCA(t testing.TB) (ca *pki.CA, dir string, caPEM []byte) {
	t.Helper()
	dir = t.TempDir()
	ca, err := pki.Init(dir, "test", time.Now())
	must(t, err)
	caPEM, err = os.ReadFile(filepath.Join(dir, "ca.crt"))
	must(t, err)
	return ca, dir, caPEM
}

func TestAKeyIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	b, err := k.PEM()
	must(t, err)
	again, err := Parse(b)
	if err != nil || again != k {
		t.Errorf("read as another key: %v", err)
	}
	ca, _, _ := newCA(t)
	cert, tlsKey, err := ca.Issue(pki.Request{Member: "n1", Now: time.Now()})
	must(t, err)
	for name, c := range map[string]struct {
		b    []byte
		says string
	}{
		"nothing":            {nil, "no key in PEM"},
		"a key of TLS":       {tlsKey, "it is one for TLS"},
		"a certificate":      {cert, "CERTIFICATE"},
		"two keys":           {append(b[:len(b):len(b)], b...), "more than the key"},
		"a key that is torn": {bytes.Replace(b, []byte("MC4CAQAwBQ"), []byte("MC4CAQAwBA"), 1), "cannot be read"},
	} {
		if _, err := Parse(c.b); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestAKeyThatIsLoggedShowsNothing(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	b, err := k.PEM()
	must(t, err)
	secret := hex.EncodeToString(k.seed[:])
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{k, &k, struct{ K Key }{k}} {
			said := fmt.Sprintf(form, v)
			if strings.Contains(said, secret) || strings.Contains(said, fmt.Sprint(k.seed[:4])) || strings.Contains(said, string(b)) {
				t.Errorf("%s of %T shows the key: %s", form, v, said)
			}
		}
	}
	if !strings.Contains(fmt.Sprintf("%x", k.seed), secret) {
		t.Error("the secret that is looked for is not how it would be shown")
	}
}

func TestIssuingAgainKeepsTheKeyThatPoliciesName(t *testing.T) {
	t.Parallel()
	ca, dir, caPEM := newCA(t)
	keyFile, certFile := Files(dir, "n1")
	issue := func(want Issued) Key {
		t.Helper()
		got, err := Issue(ca, dir, "n1", time.Now())
		if err != nil || got != want {
			t.Fatalf("issued %d, %v; want %d", got, err, want)
		}
		k, _ := Load(keyFile) // where it is there
		return k
	}
	first := issue(Made)
	for _, path := range []string{keyFile, certFile} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	must(t, os.Remove(certFile))
	for range 2 {
		if issue(Renewed) != first {
			t.Error("it is another key")
		}
	}
	certs, err := os.ReadFile(certFile)
	must(t, err)
	public, err := first.Public("n1")
	must(t, err)
	got, err := pki.ReadProof(certs, caPEM, time.Now())
	if err != nil || !got.Log.Equal(public.Log) || !got.Cosigner.Equal(public.Cosigner) || got.Log.Equal(got.Cosigner) {
		t.Errorf("certified is %v, %v", got, err)
	}
	// The key goes to its member, the certificates stay.
	must(t, os.Rename(keyFile, keyFile+".away"))
	issue(Away)
	if _, err := os.Stat(keyFile); err == nil {
		t.Error("a second key was made beside the certificates of the first")
	}
	must(t, os.Remove(certFile))
	if issue(Made) == first {
		t.Error("moving both away makes no new key")
	}
	must(t, os.WriteFile(keyFile, []byte("torn"), 0o600))
	if _, err := Issue(ca, dir, "n1", time.Now()); err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Errorf("a key that cannot be read: %v", err)
	}
	if b, err := os.ReadFile(keyFile); err != nil || string(b) != "torn" {
		t.Errorf("it was replaced: %q, %v", b, err)
	}
}

func TestAKeyThatIsNotThereIsSaidSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, says string }{
		"a missing file": {filepath.Join(t.TempDir(), "none"), "there is no file"},
		"a directory":    {t.TempDir(), "cannot be read"},
	} {
		if _, err := Load(c.path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
