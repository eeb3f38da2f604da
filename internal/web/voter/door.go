package voter

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"voted/internal/web/frame"
)

// doorPage is the page that takes a code. Before one is accepted it says nothing about the poll, not even whether there
// is such a poll.
type doorPage struct {
	Why  string // the last part of the key of the words that say why the last code was not accepted; empty at first
	At   time.Time
	Left bool // the voter has just left
	Path string
}

// door shows the form for the code, or leads on a voter whose code the browser has.
func (room *Room) door(w http.ResponseWriter, r *http.Request) error {
	v := visitor{Poll: r.PathValue("poll")}
	left := r.URL.Query().Has("left")
	if credential := room.Credential(r); credential != "" && isID(v.Poll) && !left {
		var err error
		if v.Voter, err = room.voterOf(r, credential, v.Poll); err == nil {
			return room.lead(w, r, v, nil)
		}
		if frame.Is(err, "unavailable") {
			return err
		}
	}
	return room.showDoor(w, r, doorPage{Left: left}, http.StatusOK)
}

func (room *Room) showDoor(w http.ResponseWriter, r *http.Request, d doorPage, status int) error {
	d.Path = "/vote"
	if id := r.PathValue("poll"); isID(id) {
		d.Path = frame.BallotPath(id)
	}
	return room.pages.Show(w, r, frame.Page{Template: "door", Status: status, Wrong: d.Why != "", Booth: true, Scripts: []string{"door.js", "times.js"}, Data: d})
}

// enter takes a code and gives it to the browser, if it is accepted.
func (room *Room) enter(w http.ResponseWriter, r *http.Request) error {
	if err := room.Form(w, r); err != nil {
		return err
	}
	v := visitor{Poll: r.PathValue("poll")}
	named, code := codeIn(r.PostForm.Get("code"))
	if room.Open() {
		if v.Poll == "" {
			v.Poll = strings.TrimSpace(r.PostForm.Get("poll"))
		}
		id := norm.NFC.String(strings.TrimSpace(r.PostForm.Get("code"))) // as the API compares voters
		code = openPrefix + base64.RawURLEncoding.EncodeToString([]byte(id))
	}
	if v.Poll == "" {
		var err error
		if v.Poll, err = room.pollOf(r, named, code); err != nil {
			return err
		}
	}
	if !isID(v.Poll) || code == "" || len(code) > frame.MaxCredentialBytes {
		return room.turnAway(w, r, &frame.Refused{Why: frame.Unreadable})
	}
	var err error
	if v.Voter, err = room.voterOf(r, code, v.Poll); err != nil {
		return room.turnAway(w, r, err)
	}
	var until time.Time
	if who, err := room.WhoHas(r, code); err == nil && !room.Open() {
		until = who.Until
	}
	room.StartVote(w, v.Poll, code, until)
	return room.lead(w, r, v, &code)
}

// pollOf is the poll that a link names, or that its code is for; empty if neither says one.
func (room *Room) pollOf(r *http.Request, named, code string) (string, error) {
	if named != "" || room.Open() {
		return named, nil
	}
	who, err := room.whoHas(r, code)
	if frame.Is(err, "unavailable") {
		return "", err
	}
	return who.Poll, nil
}

// lead sends a voter on: to the receipt if a ballot is in the box, else to the ballot. as is the credential if it has
// only now been given to the browser.
func (room *Room) lead(w http.ResponseWriter, r *http.Request, v visitor, as *string) error {
	p, err := room.poll(r, v, as)
	var cast *receipt
	if err == nil {
		cast, err = room.inBox(r, v, as)
	}
	if err == nil && cast == nil { // before the ballot is filled in, not after
		_, err = room.onRoll(r, v, p, as)
	}
	flag := ""
	if as != nil {
		flag = "?" + openedFlag
	}
	switch {
	case frame.Is(err, "unauthenticated", "forbidden", "poll_not_found", "invalid_voter", "not_eligible"):
		return room.turnAway(w, r, err)
	case err != nil:
		return err
	case cast != nil:
		return frame.SeeOther(w, r, v.page("receipt")+flag)
	}
	return frame.SeeOther(w, r, v.page("ballot")+flag)
}

// turnAway shows the door with the reason why a code does not open it. A poll that is not there looks like a code that
// is not accepted.
func (room *Room) turnAway(w http.ResponseWriter, r *http.Request, err error) error {
	var refused *frame.Refused
	d := doorPage{Why: string(frame.Unknown)}
	switch {
	case errors.As(err, &refused):
		d.Why, d.At = string(refused.Why), refused.At
	case frame.Is(err, "not_eligible"):
		d.Why = "roll"
	case frame.Is(err, "invalid_voter"):
		d.Why = "voter"
	case frame.Is(err, "unauthenticated", "forbidden", "poll_not_found"):
	default:
		return err
	}
	if id := r.PathValue("poll"); isID(id) {
		room.EndVote(w, id)
	}
	if !frame.WantsPage(r) { // a script of the page: it sends the form again, to show the reason
		return &frame.Problem{Status: http.StatusForbidden, Code: "unauthenticated"}
	}
	return room.showDoor(w, r, d, http.StatusForbidden)
}

// codeIn finds the code in what was copied: a code, or a link that ends with one after the sign #. Line breaks and
// blanks, and signs that programs put around links, are taken away. poll is what the link's path names, if it does.
func codeIn(s string) (poll, code string) {
	s = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, s)
	link, code, found := strings.Cut(s, "#")
	if !found {
		link, code = "", s
	}
	if _, after, ok := strings.Cut(link, "/vote/"); ok {
		if id, _, _ := strings.Cut(after, "/"); isID(id) {
			poll = id
		}
	}
	code = strings.TrimPrefix(code, "c=")
	code, _, _ = strings.Cut(code, "&")
	return poll, strings.Trim(code, "<>\"'()[]{},;:!?„“”»«")
}
