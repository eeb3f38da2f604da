package frame

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

// The cookies that hold a credential. There is no session on the node: any node of the cluster can serve the next
// request, and a credential that is withdrawn ends the session.
const (
	voteCookie = "voted-vote" // a voter's, below the path of one poll
	deskCookie = "voted-desk" // the token of an organiser, a reader or an operator
)

const (
	// voteLife is how long a browser keeps a voter's credential: an evening, and no longer than the credential itself.
	voteLife = 12 * time.Hour
	// deskLife is how long a browser keeps a token.
	deskLife = 12 * time.Hour
	// adminLife is how long it keeps an admin's token after the last page: whoever finds the browser open later finds a
	// form.
	adminLife = 30 * time.Minute
	// MaxCredentialBytes bounds a credential in a cookie: browsers keep 4,096 bytes, name and attributes included.
	MaxCredentialBytes = 3800
)

// name is the name of a cookie as browsers get it. The prefixes make a browser refuse the cookie from a page without
// TLS; __Host- also from a neighbouring domain, and needs the path /.
func (f *Frame) name(cookie string) string {
	switch {
	case !f.secure:
		return cookie
	case cookie == deskCookie:
		return "__Host-" + cookie
	}
	return "__Secure-" + cookie
}

// BallotPath is below which path the pages of a voter are; poll must be the id of a poll.
func BallotPath(poll string) string { return "/vote/" + poll }

// resultsPath is below which path results are: a voter's cookie is sent there too, since voters may see them.
func resultsPath(poll string) string { return "/polls/" + poll }

func (f *Frame) cookie(name, value, path string, life time.Duration) *http.Cookie {
	age := int(life / time.Second)
	if value == "" {
		age = -1
	}
	return &http.Cookie{
		Name: f.name(name), Value: value, Path: path, MaxAge: age,
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteStrictMode,
	}
}

// StartVote gives the browser a voter's credential for the pages of one poll, until it ends (zero: by itself never).
func (f *Frame) StartVote(w http.ResponseWriter, poll, credential string, until time.Time) {
	for _, path := range []string{BallotPath(poll), resultsPath(poll)} {
		http.SetCookie(w, f.cookie(voteCookie, credential, path, lifeUntil(voteLife, until)))
	}
}

// EndVote takes the voter's credential back.
func (f *Frame) EndVote(w http.ResponseWriter, poll string) {
	for _, path := range []string{BallotPath(poll), resultsPath(poll)} {
		http.SetCookie(w, f.cookie(voteCookie, "", path, 0))
	}
}

// StartDesk gives the browser a token.
func (f *Frame) StartDesk(w http.ResponseWriter, token string, who Identity) {
	life := deskLife
	if who.Has("admin") {
		life = adminLife
	}
	http.SetCookie(w, f.cookie(deskCookie, token, "/", lifeUntil(life, who.Until)))
}

// EndDesk takes the token back.
func (f *Frame) EndDesk(w http.ResponseWriter) { http.SetCookie(w, f.cookie(deskCookie, "", "/", 0)) }

func lifeUntil(life time.Duration, until time.Time) time.Duration {
	if until.IsZero() {
		return life
	}
	return max(time.Second, min(life, time.Until(until)))
}

// Credential returns the credential that a request's cookie holds, "" if there is none: a voter's below the path of a
// poll's ballot; elsewhere the token, or where there is none a voter's, which browsers send with a poll's results.
func (f *Frame) Credential(r *http.Request) string {
	vote := f.value(r, voteCookie)
	if strings.HasPrefix(r.URL.Path, "/vote/") {
		return vote
	}
	return cmp.Or(f.value(r, deskCookie), vote)
}

func (f *Frame) value(r *http.Request, cookie string) string {
	c, err := r.Cookie(f.name(cookie))
	if err != nil || len(c.Value) > MaxCredentialBytes {
		return ""
	}
	return c.Value
}

// Who returns who sent a request, by its cookie or its client certificate. A stranger is no error. It is for words and
// links: only the API decides.
func (f *Frame) Who(r *http.Request) (Identity, error) { return f.WhoHas(r, f.Credential(r)) }

// WhoHas returns who has a credential.
func (f *Frame) WhoHas(r *http.Request, credential string) (Identity, error) {
	if f.Open() {
		return Identity{Roles: []string{"admin", "gateway", "reader", "metrics", "auditor"}}, nil
	}
	if credential != "" {
		credential = "Bearer " + credential
	}
	return f.identify(r.Context(), r, credential)
}

// keepSession lets an admin's session go on: each page begins its time again.
func (f *Frame) keepSession(w http.ResponseWriter, r *http.Request) {
	if f.Open() || strings.HasPrefix(r.URL.Path, "/vote/") {
		return
	}
	token := f.value(r, deskCookie)
	if token == "" {
		return
	}
	if who, err := f.WhoHas(r, token); err == nil && who.Has("admin") {
		f.StartDesk(w, token, who)
	}
}
