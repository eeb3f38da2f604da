package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// utf16Of is a text in UTF-16, low byte first, with a byte order mark.
func utf16Of(ascii string) string {
	b := []byte("\xff\xfe")
	for i := range len(ascii) {
		b = append(b, ascii[i], 0)
	}
	return string(b)
}

func TestFilesAreReadAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string { return write(t, filepath.Join(dir, name), content) }
	latin := file("latin.csv", "voter,selections\nzo\xeb,a\nzo\xe9,b\nann,a\n")
	latinObjects := file("latin.ndjson", "{\"voter\":\"zo\xeb\",\"selections\":[\"a\"]}\n")
	latinRoll := file("latinroll.csv", "voter\nzo\xeb\nann\n")
	excel := file("excel.csv", utf16Of("sep=;\r\nName;E-Mail;Weight\r\nAnn;ann@x;2\r\nBo;bo@x;3\r\n"))
	shares := file("shares.txt", "Name\tE-Mail\tShares\nAnn\tann@x\t2\nann\tAnn@x\t2.5\nCy\tcy@x\t4\n")
	lost := file("lost.csv", "voter\nzo\ufffd\n")
	rejects := filepath.Join(dir, "rejects")
	follow(t, startCluster(t, 1, "").Endpoints(), []step{
		{"poll create p a b", 0, nil},
		{"import p " + latin, 1, []string{
			"counted  1", "refused  2", "column 3: this file is not UTF-8; it looks like windows-1252; give --encoding windows-1252",
			`read as CSV in utf-8, columns separated by a comma, voters from "voter"`,
		}},
		{"import p " + latinObjects, 1, []string{"refused  1", "give --encoding windows-1252"}},
		{"import p " + latin + " --encoding windows-1252", 0, []string{"counted   2", "replayed  1", "read as CSV in windows-1252"}},
		{"results p --json", 0, []string{`"ballots":3`}},
		{"import p " + latin + " --encoding windows-1259", 2, []string{"--encoding", "windows-1252"}},
		{"import p " + latin + " --separator colon", 2, []string{"--separator", "semicolon"}},
		{"import p " + latinObjects + " --separator comma", 2, []string{"are for CSV"}},
		{"poll create r a b --eligibility roll", 0, nil},
		{"roll load r " + latinRoll, 1, []string{"added    1", "refused  1", "give --encoding windows-1252"}},
		{"roll load r " + latinRoll + " --encoding windows-1252", 0, []string{"added      1", "unchanged  1"}},
		{"roll load r " + excel, 0, []string{`read as CSV in utf-16le, columns separated by a semicolon, voters from "E-Mail", weights from "Weight"; not used: "Name"`, "added  2"}},
		{"roll load r " + shares + " --weight-column nothing", 2, []string{`no column has the title "nothing"`, `"Shares"`}},
		{"roll load r " + shares + " --voter-column email --weight-column shares --rejects " + rejects, 1, []string{
			`columns separated by a tab, voters from "E-Mail", weights from "Shares"`, "added      1", "unchanged  1", "refused    1", "column 11: a weight is a whole number", "all 1 are in " + rejects,
		}},
		{"roll load r " + shares + " --json --voter-column email --weight-column shares", 1, []string{
			`"read":{"format":"csv","encoding":"utf-8","separator":"tab","voter_column":"E-Mail","weight_column":"Shares","ignored":["Name"]}`, `"complete":true`, `"line":3,"column":11`,
		}},
		{"roll load r " + lost, 0, []string{"added  1", "warning: 1 voter with the character U+FFFD, first on line 2"}},
		{"roll load r " + file("pairs.csv", "voter\nAnn\nbo\nann\n"), 0, []string{"warning: 1 pair of ids that differ in case or width alone", `"Ann" (line 2) and "ann" (line 4)`}},
		{"roll load r " + file("misspelt.csv", "voter,wieght\nx,1\n"), 2, []string{`line 1: the title "wieght" of column 2 is almost "weight"`}},
		{"roll load r " + file("two.ndjson", `{"voter":"a","weight":2}{"voter":"b"}`+"\n"+`{"voter":"c","voter":"d"}`+"\n"), 1, []string{"refused  2", "something follows the object", `"voter" stands twice`}},
		{"roll load r " + dir, 2, []string{"is a directory, not a file"}},
		{"roll load r " + file("book.csv", "PK\x03\x04"), 2, []string{"save the sheet as CSV"}},
	})
	if b, err := os.ReadFile(rejects); err != nil || !strings.HasPrefix(string(b), `{"line":3,"column":11,"voter":"Ann@x","code":"malformed_request"`) {
		t.Errorf("the rejects are %q, %v", b, err)
	}
}

func TestWhatIsExportedCanBeImportedForEveryMethod(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoints := startCluster(t, 1, "").Endpoints()
	for method, ballots := range map[string]string{
		"plurality": "voter,selections\nv1,a\n\"v2, jr\",b\n",
		"approval":  "voter,selections\nv1,a;b\nv2,c\n",
		"score":     "voter,scores\nv1,a=5;b=0\nv2,c=1\n",
		"irv":       "voter,ranking\nv1,b>a>c\nv2,c\n",
	} {
		in := write(t, filepath.Join(dir, method+".csv"), ballots)
		for _, secrecy := range []string{"open", "secret"} {
			from := method + "-" + secrecy
			follow(t, endpoints, []step{
				{"poll create " + from + " a b c --method " + method + " --disclosure ballots --secrecy " + secrecy, 0, nil},
				{"import " + from + " " + in, 0, []string{"counted  2"}},
			})
			for _, format := range []string{"csv", "ndjson"} {
				out, copied := filepath.Join(dir, from+"-out."+format), from+"-"+format
				follow(t, endpoints, []step{
					{"export " + from + " --format " + format + " -o " + out, 0, nil},
					{"poll create " + copied + " a b c --method " + method, 0, nil},
					{"import " + copied + " " + out, 0, []string{"counted  2", `not used: "ballot", "version"`}},
				})
				if secrecy == "secret" {
					follow(t, endpoints, []step{{"import " + copied + " " + out, 0, []string{"replayed  2", `voters from "voter_key"`}}})
					follow(t, endpoints, []step{{"import " + from + " " + out, 1, []string{"an export of the poll itself"}}})
				} else {
					follow(t, endpoints, []step{{"import " + from + " " + out, 0, []string{"replayed  2"}}})
				}
			}
		}
	}
}

func TestAFileThatIsReadIsNeverReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoints := startCluster(t, 1, "").Endpoints()
	const ballots, roll = "voter,selections\nv1,a\n", "voter\nv1\n"
	ballotFile, rollFile := write(t, filepath.Join(dir, "b.csv"), ballots), write(t, filepath.Join(dir, "r.csv"), roll)
	link, hard := filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	if err := os.Symlink(ballotFile, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(ballotFile, hard); err != nil {
		t.Fatal(err)
	}
	follow(t, endpoints, []step{
		{"poll create p a b", 0, nil},
		{"poll create q a b --eligibility roll", 0, nil},
		{"import p " + ballotFile + " --rejects " + ballotFile, 2, []string{"the file that is being read"}},
		{"import p " + link + " --rejects " + ballotFile, 2, []string{"the file that is being read"}},
		{"import p " + ballotFile + " --rejects " + link, 2, []string{"the file that is being read"}},
		{"import p " + ballotFile + " --rejects " + hard, 2, []string{"the file that is being read"}},
		{"roll load q " + rollFile + " --rejects " + rollFile, 2, []string{"the file that is being read"}},
		{"results p --json", 0, []string{`"ballots":0`}},
	})
	other := write(t, filepath.Join(dir, "other"), "kept")
	if got := voted("import", "p", ballotFile, "--rejects", other, "--endpoint", "http://127.0.0.1:1", "--timeout", "200ms"); got.code != 1 {
		t.Errorf("no node answers: exit %d", got.code)
	}
	for name, want := range map[string]string{ballotFile: ballots, rollFile: roll, other: "kept"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	// What an earlier run has left there is no refusal of this one.
	follow(t, endpoints, []step{{"import p " + ballotFile + " --rejects " + other, 0, []string{"counted  1"}}})
	if got, err := os.ReadFile(other); err != nil || len(got) > 0 {
		t.Errorf("the rejects of a run without refusals hold %q, %v", got, err)
	}
}

func TestOnlyARegularFileIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	endpoints := startCluster(t, 1, "").Endpoints()
	ballots := write(t, filepath.Join(dir, "b.csv"), "voter,selections\nv1,a\n")
	victim, link, pipe := write(t, filepath.Join(dir, "victim"), "mine"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	target, out := filepath.Join(dir, "target"), filepath.Join(dir, "x.csv")
	for name, to := range map[string]string{link: target, out + ".partial": victim} {
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	follow(t, endpoints, []step{
		{"poll create p a b --secrecy open", 0, nil},
		{"import p " + ballots, 0, nil},
		{"export p -o " + os.DevNull, 0, nil},
		{"backup " + os.DevNull, 0, nil},
		{"export p -o " + link, 0, nil},
		{"export p -o " + out, 0, nil},
		{"export p -o /dev/full", 1, []string{"/dev/full cannot be written: no space left on device"}},
		{"export p -o " + dir, 2, []string{"is a directory; give the name of a file in it"}},
		{"export p -o " + dir + "/none/x", 2, []string{"there is no directory " + dir + "/none to write x into"}},
		{"backup " + dir, 2, []string{"is a directory; give the name of a file in it"}},
		{"backup " + dir + "/none/x", 2, []string{"there is no directory " + dir + "/none to write x into"}},
		{"import p " + ballots + " --rejects " + dir + "/none/x", 2, []string{"there is no directory"}},
	})
	read := make(chan string, 1)
	for _, line := range []string{"export p -o " + pipe, "backup " + pipe} {
		go func() {
			b, err := os.ReadFile(pipe)
			if err != nil {
				b = nil
			}
			read <- string(b)
		}()
		follow(t, endpoints, []step{{line, 0, nil}})
		if got := <-read; got == "" {
			t.Errorf("`%s` gives the reader of a pipe nothing", line)
		}
	}
	for name, kind := range map[string]fs.FileMode{os.DevNull: fs.ModeDevice, link: fs.ModeSymlink, pipe: fs.ModeNamedPipe, target: 0, out: 0} {
		info, err := os.Lstat(name)
		if err != nil || kind == 0 && !info.Mode().IsRegular() || info.Mode()&kind != kind {
			t.Errorf("%s is %v, %v", name, info.Mode(), err)
		} else if kind == 0 && info.Mode().Perm() != 0o600 {
			t.Errorf("others may read %s: %v", name, info.Mode())
		}
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "mine" {
		t.Errorf("a planted name was written through: %q, %v", b, err)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			left = append(left, e.Name())
		}
	}
	if len(left) > 0 {
		t.Errorf("left over are %q", left)
	}
}
