package organiser

import (
	"bufio"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"voted/internal/web/frame"
)

// enrolling is the page of a poll's roll.
type enrolling struct {
	*poll
	Roll   *rollNumbers
	Sent   *tidings       // what became of a file; nil before one was sent
	Fault  *fault         // of the file, if nothing of it was read
	Look   *lookedUp      // a voter who was looked for
	Refuse *frame.Problem // why a whole file was refused
}

// lookedUp is one voter on the roll, as the API shows it.
type lookedUp struct {
	Voter    string `json:"voter"`
	Weight   int    `json:"weight"`
	Eligible bool   `json:"eligible"`
	Voted    bool   `json:"voted"`
	Dropped  bool   `json:"-"` // just now
	Missing  bool   `json:"-"` // the roll does not name the voter
}

// Faults are those of the file.
func (e *enrolling) Faults() []fault {
	if e.Fault == nil {
		return nil
	}
	return []fault{*e.Fault}
}

// Since is the index of the roll as the page shows it: what somebody else has changed after it is not undone.
func (e *enrolling) Since() int { return e.Roll.Index }

// roll serves the page.
func (o *Room) roll(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	return o.showRoll(w, r, http.StatusOK, enrolling{})
}

// showRoll shows the page with the roll as it is now.
func (o *Room) showRoll(w http.ResponseWriter, r *http.Request, status int, page enrolling) error {
	var err error
	if page.poll, err = o.read(r); err != nil {
		return err
	}
	if page.Roll, err = o.readRoll(r, page.poll); err != nil {
		return err
	}
	if page.Roll == nil {
		return &frame.Problem{Status: http.StatusNotFound, Code: "roll_not_found"}
	}
	return o.show(w, r, "roll", status, &page)
}

// upload hands a file on to the roll while it comes: it is never held. Its fields stand before it in the form.
func (o *Room) upload(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return &frame.Problem{Status: http.StatusBadRequest, Code: "malformed_request"}
	}
	fields, file, err := nextFile(parts)
	if err != nil {
		return &frame.Problem{Status: http.StatusBadRequest, Code: "malformed_request"}
	}
	if file == nil || file.FileName() == "" {
		return o.showRoll(w, r, http.StatusUnprocessableEntity, enrolling{Fault: &fault{Field: "file", Key: "organiser.fault.file"}})
	}
	text := bufio.NewReaderSize(file, 4<<10)
	kind, wrong := kindOf(text, fields.Get("charset"))
	if wrong != "" {
		return o.showRoll(w, r, http.StatusUnprocessableEntity, enrolling{Fault: &fault{Field: "file", Key: wrong}})
	}
	answers := &collector{ResponseWriter: w}
	err = o.f.Pass(answers, r, frame.Call{
		Method: http.MethodPut, Path: "/v1/polls/" + id(r) + "/roll?since=" + url.QueryEscape(fields.Get("since")), Stream: text,
		Header: http.Header{"Content-Type": {kind}, "Accept": {"application/x-ndjson"}},
	})
	var refused *frame.Problem
	switch {
	case errors.As(err, &refused) && refused.Code == "malformed_request":
		return o.showRoll(w, r, http.StatusUnprocessableEntity, enrolling{Refuse: refused})
	case err != nil:
		return err
	}
	sent, err := answers.tidings()
	if err != nil {
		return err
	}
	return o.showRoll(w, r, http.StatusOK, enrolling{Sent: sent})
}

// maxFieldBytes bounds a field of the form that stands before the file.
const maxFieldBytes = 1 << 10

// nextFile reads the fields of a form up to its file; nil if there is none.
func nextFile(parts *multipart.Reader) (url.Values, *multipart.Part, error) {
	fields := url.Values{}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return fields, nil, nil
		case err != nil:
			return nil, nil, err
		case part.FormName() == "file":
			return fields, part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes))
		if err != nil {
			return nil, nil, err
		}
		fields.Set(part.FormName(), string(value))
	}
}

// kindOf looks at the beginning of a file and returns its Content-Type, or the key of words about a file that cannot
// be a roll.
func kindOf(text *bufio.Reader, charset string) (kind, wrong string) {
	begin, _ := text.Peek(512) // less is in a short file
	head := string(begin)
	switch {
	case strings.HasPrefix(head, "PK\x03\x04"), strings.HasPrefix(head, "\xd0\xcf\x11\xe0"):
		return "", "organiser.fault.workbook"
	case strings.HasPrefix(head, "\xff\xfe"), strings.HasPrefix(head, "\xfe\xff"):
		return "", "organiser.fault.utf16"
	case strings.HasPrefix(head, "%PDF"):
		return "", "organiser.fault.pdf"
	case strings.HasPrefix(strings.TrimLeft(strings.TrimPrefix(head, "\ufeff"), " \t\r\n"), "{"):
		return "application/x-ndjson", ""
	case charset == "windows-1252":
		return "text/csv; charset=windows-1252", ""
	}
	return "text/csv", ""
}

// look shows one voter's place on the roll.
func (o *Room) look(w http.ResponseWriter, r *http.Request) error {
	if err := o.f.Form(w, r); err != nil {
		return err
	}
	voter := strings.TrimSpace(r.PostForm.Get("voter"))
	found, err := o.find(r, voter)
	if err != nil {
		return err
	}
	return o.showRoll(w, r, http.StatusOK, enrolling{Look: found})
}

func (o *Room) find(r *http.Request, voter string) (*lookedUp, error) {
	if voter == "" {
		return &lookedUp{Missing: true}, nil
	}
	a, err := o.f.Ask(r, frame.Call{Path: "/v1/polls/" + id(r) + "/roll/" + url.PathEscape(voter)})
	switch {
	case frame.Is(err, "voter_not_found", "invalid_voter", "not_found", "malformed_request"):
		return &lookedUp{Voter: voter, Missing: true}, nil
	case err != nil:
		return nil, err
	}
	var found lookedUp
	return &found, a.Into(&found)
}

// drop takes a voter off the roll, who was looked at before.
func (o *Room) drop(w http.ResponseWriter, r *http.Request) error {
	if err := o.f.Form(w, r); err != nil {
		return err
	}
	voter := r.PostForm.Get("voter")
	_, err := o.f.Ask(r, frame.Call{
		Method: http.MethodDelete,
		Path:   "/v1/polls/" + id(r) + "/roll/" + url.PathEscape(voter) + "?since=" + url.QueryEscape(r.PostForm.Get("since")),
	})
	if err != nil {
		return err
	}
	found, err := o.find(r, voter)
	if err != nil {
		return err
	}
	found.Dropped = true
	return o.showRoll(w, r, http.StatusOK, enrolling{Look: found})
}
