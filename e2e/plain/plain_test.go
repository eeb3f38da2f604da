package plain

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func golden(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "proof", "testdata", "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// inExtra changes a text in the extra data of a receipt.
func inExtra(t *testing.T, file []byte, old, replacement string) []byte {
	t.Helper()
	before, rest, _ := bytes.Cut(file, []byte("extra "))
	text, after, _ := bytes.Cut(rest, []byte("\n"))
	extra, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || !bytes.Contains(extra, []byte(old)) {
		t.Fatalf("no %q in %s: %v", old, extra, err)
	}
	extra = bytes.Replace(extra, []byte(old), []byte(replacement), 1)
	return []byte(string(before) + "extra " + base64.StdEncoding.EncodeToString(extra) + "\n" + string(after))
}

func swapped(t *testing.T, file []byte, old, replacement string) []byte {
	t.Helper()
	if !bytes.Contains(file, []byte(old)) {
		t.Fatalf("there is no %q in the file", old)
	}
	return bytes.Replace(file, []byte(old), []byte(replacement), 1)
}

func TestAReceiptIsGoodAndEachChangeOfItIsNot(t *testing.T) {
	t.Parallel()
	file, policy := golden(t, "counted.tlog-proof"), golden(t, "board-2026.policy")
	if n, err := Receipt(file, policy, "v-17"); err != nil || n != 17 {
		t.Fatalf("the receipt itself: %d, %v", n, err)
	}
	line := strings.Split(string(file), "\n")
	firstHash, lastSignature := line[3], line[len(line)-2]
	for name, c := range map[string]struct {
		file, policy []byte
		voter        string
		want         error
	}{
		"another voter is named":               {file, policy, "v-18", ErrVoter},
		"another voter is written into it":     {inExtra(t, file, `"voter":"v-17"`, `"voter":"v-18"`), policy, "v-18", ErrVoter},
		"it replaces another ballot":           {inExtra(t, file, `"supersedes":0`, `"supersedes":3`), policy, "v-17", ErrTree},
		"it has another number":                {swapped(t, file, "\nindex 17\n", "\nindex 18\n"), policy, "v-17", ErrTree},
		"its number is beyond the log":         {swapped(t, file, "\nindex 17\n", "\nindex 1700\n"), policy, "v-17", ErrTree},
		"a hash of its path is missing":        {swapped(t, file, firstHash+"\n", ""), policy, "v-17", ErrTree},
		"a hash stands twice":                  {swapped(t, file, firstHash, firstHash+"\n"+firstHash), policy, "v-17", ErrTree},
		"the head is of another size":          {swapped(t, file, "\n200\n", "\n201\n"), policy, "v-17", ErrSignature},
		"a signature is another one's":         {swapped(t, file, lastSignature, strings.Replace(lastSignature, "/n2 ", "/n3 ", 1)), policy, "v-17", ErrQuorum},
		"a signature is missing":               {swapped(t, file, lastSignature+"\n", ""), policy, "v-17", ErrQuorum},
		"the policy asks for all":              {file, swapped(t, policy, "members 2", "members all"), "v-17", ErrQuorum},
		"the policy asks nobody":               {file, swapped(t, policy, "quorum members", "quorum none"), "v-17", ErrQuorum},
		"the policy is of another log":         {file, bytes.ReplaceAll(policy, []byte("log "), []byte("# ")), "v-17", ErrLog},
		"the policy has a key with a false id": {file, swapped(t, policy, "/n1+", "/n9+"), "v-17", ErrForm},
		"it is no receipt":                     {policy, policy, "v-17", ErrForm},
	} {
		if _, err := Receipt(c.file, c.policy, c.voter); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want: %v", name, err, c.want)
		}
	}
}

// published makes a log of the golden entries.
func published(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"checkpoint": {Data: golden(t, "checkpoint-302")}}
	var bundles [2][]byte
	for i, text := range strings.Fields(string(golden(t, "entries"))) {
		entry, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		bundles[i/256] = append(append(bundles[i/256], 0, byte(len(entry))), entry...)
	}
	files["tile/entries/000"] = &fstest.MapFile{Data: bundles[0]}
	files["tile/entries/001.p/46"] = &fstest.MapFile{Data: bundles[1]}
	return files
}

func TestALogIsGoodAndEachChangeOfItIsNot(t *testing.T) {
	t.Parallel()
	policy := golden(t, "board-2026.policy")
	if n, err := Log(published(t), policy); err != nil || n != 302 {
		t.Fatalf("the log itself: %d, %v", n, err)
	}
	for name, change := range map[string]func(files fstest.MapFS, last []byte){
		"a byte is changed":         func(_ fstest.MapFS, last []byte) { last[40] ^= 1 },
		"the last entry is missing": func(f fstest.MapFS, last []byte) { f["tile/entries/001.p/46"].Data = last[:len(last)-155] },
		"an entry is cut off":       func(f fstest.MapFS, last []byte) { f["tile/entries/001.p/46"].Data = last[:len(last)-3] },
		"the last file is missing":  func(f fstest.MapFS, _ []byte) { delete(f, "tile/entries/001.p/46") },
	} {
		files := maps.Clone(published(t))
		change(files, files["tile/entries/001.p/46"].Data)
		if _, err := Log(files, policy); !errors.Is(err, ErrEntries) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesOfALogAreNamedAsTheSpecificationSays(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]string{0: "000", 999: "999", 1000: "x001/000", 1_234_067: "x001/x234/067"} {
		if got := bundle(n, 256); got != "tile/entries/"+want {
			t.Errorf("%d is %s", n, got)
		}
	}
}
