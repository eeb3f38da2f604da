package voter

import (
	"embed"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"voted/internal/web/frame"
)

//go:embed templates/*.html
var files embed.FS

// Room has the pages.
type Room struct {
	*frame.Frame
	pages *frame.Templates
}

// New makes the room.
func New(f *frame.Frame) *Room { return &Room{Frame: f, pages: f.Templates("voter", files)} }

// Routes are the pages' routes.
func (room *Room) Routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /vote", Group: frame.Vote, Serve: room.door},
		{Pattern: "POST /vote", Group: frame.Vote, Serve: room.enter},
		{Pattern: "GET /vote/{poll}", Group: frame.Vote, Serve: room.door},
		{Pattern: "POST /vote/{poll}", Group: frame.Vote, Serve: room.enter},
		{Pattern: "GET /vote/{poll}/ballot", Group: frame.Vote, Serve: room.booth(room.choose)},
		{Pattern: "POST /vote/{poll}/ballot", Group: frame.Vote, Serve: room.booth(room.chooseAgain)},
		{Pattern: "POST /vote/{poll}/review", Group: frame.Vote, Serve: room.booth(room.review)},
		{Pattern: "POST /vote/{poll}/cast", Group: frame.Vote, Serve: room.booth(room.cast)},
		{Pattern: "GET /vote/{poll}/receipt", Group: frame.Vote, Serve: room.booth(room.receipt)},
		{Pattern: "GET /vote/{poll}/proof", Group: frame.Vote, Serve: room.booth(room.proof)},
		{Pattern: "GET /vote/{poll}/policy", Group: frame.Vote, Serve: room.booth(room.policy)},
		{Pattern: "POST /vote/{poll}/leave", Group: frame.Vote, Serve: room.leave},
	}
}

// visitor is a voter whose credential the browser holds.
type visitor struct {
	Poll  string // the id, as the path has it
	Voter string
}

// inBooth is a page that needs a voter.
type inBooth func(w http.ResponseWriter, r *http.Request, v visitor) error

// booth serves a page to a voter, and leads everyone else to the door.
func (room *Room) booth(serve inBooth) frame.Serve {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := visitor{Poll: r.PathValue("poll")}
		if !isID(v.Poll) || room.Credential(r) == "" {
			return room.toTheDoor(w, r)
		}
		var err error
		if v.Voter, err = room.voterOf(r, room.Credential(r), v.Poll); err != nil {
			return room.turnAway(w, r, err)
		}
		err = serve(w, r, v)
		if frame.Is(err, "unauthenticated", "forbidden") { // withdrawn since
			return room.turnAway(w, r, err)
		}
		return err
	}
}

// toTheDoor leads a browser without a credential to where one is taken. If it comes from there, it kept no cookie.
func (room *Room) toTheDoor(w http.ResponseWriter, r *http.Request) error {
	if !frame.WantsPage(r) { // a script of the page: it sends the form again, to show the door
		return &frame.Problem{Status: http.StatusForbidden, Code: "unauthenticated"}
	}
	if r.URL.Query().Has(openedFlag) {
		return room.showDoor(w, r, doorPage{Why: "cookie"}, http.StatusForbidden)
	}
	if !isID(r.PathValue("poll")) {
		return frame.SeeOther(w, r, "/vote")
	}
	return frame.SeeOther(w, r, frame.BallotPath(r.PathValue("poll")))
}

// openedFlag is in the address of the page to which the door leads.
const openedFlag = "opened"

// openPrefix begins what stands for a credential where nothing guards the node: the voter's id, encoded.
const openPrefix = "open."

// issuerRetry is after how many seconds a page tries again to check a credential whose issuer is away.
const issuerRetry = 3

// whoHas returns who has a credential. Its error is a *frame.Refused if the credential is not accepted. That its issuer
// is away says nothing about it: the error is then a *frame.Problem, and the browser keeps the credential.
func (room *Room) whoHas(r *http.Request, credential string) (frame.Identity, error) {
	who, err := room.WhoHas(r, credential)
	var refused *frame.Refused
	if errors.As(err, &refused) && refused.Why == frame.Away {
		return who, &frame.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Retryable: true, RetryAfter: issuerRetry}
	}
	return who, err
}

// voterOf returns the voter that a credential is for. Its error is a *frame.Refused if the credential is not accepted,
// or not for this poll.
func (room *Room) voterOf(r *http.Request, credential, poll string) (string, error) {
	if room.Open() {
		id, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(credential, openPrefix))
		if err != nil || len(id) == 0 || !strings.HasPrefix(credential, openPrefix) {
			return "", &frame.Refused{Why: frame.Unreadable}
		}
		return string(id), nil
	}
	who, err := room.whoHas(r, credential)
	switch {
	case err != nil:
		return "", err
	case who.Voter == "":
		return "", &frame.Refused{Why: notAVoter}
	case who.Poll != "" && who.Poll != poll:
		return "", &frame.Refused{Why: otherPoll}
	}
	return who.Voter, nil
}

// Further reasons why a code does not open a ballot.
const (
	notAVoter frame.Why = "token"   // it is an operator's token
	otherPoll frame.Why = "another" // it is for another poll
)

// isID reports whether s can be the id of a poll: it is then the same in a path.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._~-", rune(c))) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// ballotPath is the API's path of a voter's ballot.
func (v visitor) ballotPath() string { return v.apiPath("ballots") }

// apiPath is the API's path of what a poll has of a voter. Dots are escaped too: an id may be "..".
func (v visitor) apiPath(what string) string {
	var b strings.Builder
	b.WriteString("/v1/polls/" + v.Poll + "/" + what + "/")
	for i := range len(v.Voter) {
		c := v.Voter[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

// page is a path of the voter's own pages.
func (v visitor) page(name string) string { return frame.BallotPath(v.Poll) + "/" + name }

// poll asks for the voter's poll.
func (room *Room) poll(r *http.Request, v visitor, as *string) (*poll, error) {
	answer, err := room.Ask(r, frame.Call{Path: "/v1/polls/" + v.Poll, As: as})
	if err != nil {
		return nil, err
	}
	p := &poll{}
	return p, answer.Into(p)
}

// place is a voter's place on a poll's roll.
type place struct {
	Weight   uint32 `json:"weight"`
	Eligible bool   `json:"eligible"`
	Voted    bool   `json:"voted"`
}

// onRoll asks for the voter's place on the roll; nil if the poll has none. A voter who is not on it is refused.
func (room *Room) onRoll(r *http.Request, v visitor, p *poll, as *string) (*place, error) {
	if p.Eligibility != "roll" {
		return nil, nil
	}
	answer, err := room.Ask(r, frame.Call{Path: v.apiPath("roll"), As: as})
	switch {
	case frame.Is(err, "voter_not_found"):
		return nil, &frame.Problem{Status: http.StatusForbidden, Code: "not_eligible"}
	case err != nil:
		return nil, err
	}
	at := &place{}
	if err := answer.Into(at); err != nil {
		return nil, err
	}
	if !at.Eligible && !at.Voted {
		return nil, &frame.Problem{Status: http.StatusForbidden, Code: "not_eligible"}
	}
	return at, nil
}

// inBox asks for the voter's receipt, nil if there is no ballot in the box.
func (room *Room) inBox(r *http.Request, v visitor, as *string) (*receipt, error) {
	answer, err := room.Ask(r, frame.Call{Path: v.ballotPath(), As: as})
	if frame.Is(err, "ballot_not_found") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	got := &receipt{}
	return got, answer.Into(got)
}
