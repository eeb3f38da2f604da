package organiser_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"voted/client"
)

// multipartForm writes the form of an upload as a browser does.
func multipartForm(t testing.TB, since, file string) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range map[string]string{"since": since, "charset": "utf-8"} {
		if value == "" {
			continue
		}
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="roll.csv"`}, "Content-Type": {"application/vnd.ms-excel"},
	})
	if err == nil {
		_, err = part.Write([]byte(file))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// upload sends a file to a poll's roll. Without since it is that of the page.
func (d *desk) upload(path, since, file string) page {
	d.t.Helper()
	if since == "" {
		since = d.get(path).hidden().Get("since")
	}
	kind, body := multipartForm(d.t, since, file)
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.node.url+path, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	return d.do(r)
}

func rollOf(t *testing.T, n *node) (poll, path string) {
	t.Helper()
	poll = n.poll(t, client.Definition{Title: "Board", Eligibility: client.OnRoll})
	return poll, "/manage/" + poll + "/roll"
}

func TestARollIsAnsweredLineByLine(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	_, path := rollOf(t, n)
	d.get(path).says(t, http.StatusOK, "0 voters are on the list")
	p := d.upload(path, "", "voter,weight,name\nv-1,3,Ann\nv-2,many,Bo\n\"Smith, Jo\",1,Jo\nv-1,3,Ann\n")
	p.says(t, http.StatusOK, "5 lines:", "2 new", "1 known already", "1 refused", "Nobody was taken off", `<th scope="row" class="number">3</th>`, "name", "2 voters are on the list", "weight together is 4")
}

func TestAFileFromExcelIsRead(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	_, path := rollOf(t, n)
	d.upload(path, "", "\ufeffVoter;Weight\r\nv-1;3\r\nZoë;1\r\n").says(t, http.StatusOK, "2 new", "0 refused")
	for name, c := range map[string][2]string{
		"a workbook":   {"PK\x03\x04\x14\x00", "This is an Excel workbook"},
		"UTF-16":       {"\xff\xfev\x00o\x00t\x00e\x00r\x00", "This file is in UTF-16"},
		"a PDF":        {"%PDF-1.7", "This is a PDF"},
		"no titles":    {"Email address of the member\nann@example.org\n", "The file was not taken"},
		"an empty one": {"", "The file was not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.upload(path, "", c[0]).says(t, http.StatusUnprocessableEntity, c[1])
		})
	}
	d.upload(path, "", `{"voter":"v-7","weight":2}`+"\n").says(t, http.StatusOK, "1 new")
}

func TestManyRefusedLinesAreCountedAndNotHeld(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	_, path := rollOf(t, n)
	var file strings.Builder
	file.WriteString("voter,weight\n")
	for i := range 5000 {
		fmt.Fprintf(&file, "v-%d,none\n", i)
	}
	p := d.upload(path, "", file.String())
	p.says(t, http.StatusOK, "5,000 refused", "4,800 more lines were refused")
	if len(p.text) > 100<<10 {
		t.Errorf("the page has %d bytes", len(p.text))
	}
}

func TestAnUploadThatIsCutOffIsSentAgain(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	poll, path := rollOf(t, n)
	var file strings.Builder
	file.WriteString("voter\n")
	for i := range 20_000 {
		fmt.Fprintf(&file, "v-%d\n", i)
	}
	since := d.get(path).hidden().Get("since")
	kind, body := multipartForm(t, since, file.String())
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, n.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", path, r.Host, kind, len(body))
	for _, c := range d.http.Jar.Cookies(r.URL) {
		fmt.Fprintf(conn, "Cookie: %s=%s\r\n", c.Name, c.Value)
	}
	fmt.Fprint(conn, "\r\n")
	if _, err := conn.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	// Some of it is on the roll, then the sender is gone.
	eventually(t, "a part is on the roll", func() bool {
		roll, err := n.client.Roll(t.Context(), poll)
		return err == nil && roll.Eligible > 0
	})
	conn.Close()
	d.upload(path, since, file.String()).says(t, http.StatusOK, "20,001 lines:", "0 refused", "20,000 voters are on the list")
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func TestAVoterIsLookedUpAndTakenOff(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	poll, path := rollOf(t, n)
	d.upload(path, "", "voter,weight\nv-1,3\nv/2,1\n").says(t, http.StatusOK, "2 new")
	n.cast(t, poll, "v-1", "ann")
	d.post(path+"/look", map[string][]string{"voter": {"nobody"}}).says(t, http.StatusOK, "is not on the list")
	found := d.post(path+"/look", map[string][]string{"voter": {"v-1"}})
	found.says(t, http.StatusOK, "Weight 3.", "May vote.", "Has voted.", "A ballot that was counted stays.")
	for range 2 {
		d.post(path+"/drop", found.hidden()).says(t, http.StatusOK, "Is taken off the list now.")
	}
	d.post(path+"/look", map[string][]string{"voter": {"v/2"}}).says(t, http.StatusOK, "May vote.")
	// Somebody puts the voter on again; the first form, sent late, does not undo that.
	d.upload(path, "", "voter,weight\nv-1,3\n").says(t, http.StatusOK)
	d.post(path+"/drop", found.hidden()).says(t, http.StatusConflict)
}

func TestAPollWithoutARollHasNoPageForIt(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	n.desk(t, "admin").get("/manage/"+n.poll(t, client.Definition{})+"/roll").says(t, http.StatusNotFound, "no list of voters")
}

func TestBallotsAreDownloadedAsAFile(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	id := n.poll(t, client.Definition{})
	n.cast(t, id, "v-1", "ann")
	d := n.desk(t, "admin")
	d.get("/manage/"+id+"/ballots?format=csv").says(t, http.StatusConflict, "Voting has not closed yet")
	d.post("/manage/"+id+"/close", d.get("/manage/"+id+"/close").hidden()).says(t, http.StatusSeeOther)
	p := d.get("/manage/" + id + "/ballots?format=csv")
	p.says(t, http.StatusOK, "ann")
	if got := p.header.Get("Content-Disposition"); got != `attachment; filename="`+id+`-ballots.csv"` {
		t.Errorf("the file is %q", got)
	}
	d.get("/manage/"+id+"/ballots?format=exe").says(t, http.StatusBadRequest)
	n.desk(t, "gateway").get("/manage/"+id+"/ballots?format=csv").says(t, http.StatusForbidden)
}
