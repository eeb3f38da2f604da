package frame

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"voted/internal/trace"
)

// Options configures a Frame.
type Options struct {
	// API serves the routes that pages call. It is needed.
	API http.Handler
	// Identify finds out whose credential a request bears; nil: nothing guards the node, and everyone may do everything.
	// Pages use the answer for links and words, never to decide: that is what the API does.
	Identify Identify
	// Rendered is how streams of the API get another form, see [Frame.Rendered]; nil: they have the API's own.
	Rendered Rendered
	// Secure is whether browsers reach the node under TLS; cookies are then for TLS only.
	Secure bool
	// Logger gets what is unexpected; default slog.Default.
	Logger *slog.Logger
}

// Rendered returns a context for calls for live results, or for the live state of the cluster: the data of their events is
// then what render makes of one line of JSON, which is as in the API's schema Results, or as in an event of the cluster
// with its whole history. The name names the form: renderings of one name must be the same function for one poll, and
// depend on nothing that changes but their argument.
type Rendered func(ctx context.Context, name string, render func(data []byte) ([]byte, error)) context.Context

// Identify returns who shows a credential: the value of an Authorization header, or a client certificate if that is
// empty. If the credential is not accepted, the error is a [*Refused].
type Identify func(ctx context.Context, r *http.Request, authorization string) (Identity, error)

// Identity is the sender of a request. Its zero value is a stranger.
type Identity struct {
	Roles []string // the names of roles, such as "admin"
	Name  string   // of the credential; no secret
	Voter string   // that the credential is for; empty if it is not a voter's
	Poll  string   // that the credential is for; empty: any
	Until time.Time
}

// Has reports whether the identity has one of the roles.
func (i Identity) Has(roles ...string) bool {
	for _, have := range i.Roles {
		for _, want := range roles {
			if have == want {
				return true
			}
		}
	}
	return false
}

// Why says why a credential is not accepted.
type Why string

// The reasons. They are the last parts of the keys of their words.
const (
	Unreadable Why = "unreadable" // it is not complete
	Unknown    Why = "unknown"    // no such credential is accepted here
	Expired    Why = "expired"
	TooEarly   Why = "early"
	Away       Why = "away" // what checks it cannot be reached
)

// Refused is a credential that is not accepted.
type Refused struct {
	Why   Why
	At    time.Time // when it ended or begins, for Expired and TooEarly; zero if that is not known
	Cause error     // a sentence
}

// Error implements error.
func (r *Refused) Error() string {
	return "frame: the credential is not accepted (" + string(r.Why) + ")"
}

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Cause }

// Frame is what all rooms share. Its methods may be called concurrently.
type Frame struct {
	api      http.Handler
	identify Identify
	rendered Rendered
	secure   bool
	log      *slog.Logger
	ids      *trace.IDs
	assets   assets
	words    catalogue
	layout   layout
	served   map[string]bool // the patterns of all routes; set before the first request
	own      *Templates
}

// New makes the frame. It panics if a file that is built in cannot be read: tests show that.
func New(o Options) *Frame {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	f := &Frame{
		api: o.API, identify: o.Identify, rendered: o.Rendered, secure: o.Secure, log: o.Logger,
		ids:    trace.NewIDs(strings.ToLower(rand.Text()[:12]) + "-p"),
		assets: readAssets(), words: readCatalogue(), served: map[string]bool{},
	}
	f.layout = f.readLayout()
	f.own = f.Templates("frame", frameTemplates)
	return f
}

// Open reports whether nothing guards the node.
func (f *Frame) Open() bool { return f.identify == nil }

// Origin is how browsers reach the node: scheme and host, as links that leave the page need them. A proxy that ends TLS
// makes it https, though the request itself came without.
func (f *Frame) Origin(r *http.Request) string {
	if f.secure || r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
