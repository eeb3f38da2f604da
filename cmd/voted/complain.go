package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

// errSaid ends a command that has already written what went wrong.
var errSaid = errors.New("failed")

// usageError adds a hint at the help to an error of kong's.
func usageError(err error) error {
	command := "voted"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if c := parse.Context.Selected(); c != nil {
			command = c.FullPath()
		}
	}
	return usage.Errorf("%w; see `%s --help`", err, command)
}

// exitCode returns the exit code of a command that failed; serves: it was voted serve.
func exitCode(err error, serves bool) int {
	switch {
	case !usage.Is(err):
		return exitFailed
	case serves:
		return exitConfig
	}
	return exitUsage
}

// complaint is an error as JSON, for scripts.
type complaint struct {
	// Code is the service's own, or usage (another command line cures it), unavailable or
	// outcome_unknown (no node answered), or failed.
	Code      client.Code         `json:"code"`
	Detail    string              `json:"detail"`
	RequestID string              `json:"request_id,omitempty"`
	Errors    []client.FieldError `json:"errors,omitempty"`
}

// complainAs is complain, or one line of JSON if the command was to print JSON.
func complainAs(o *display.Output, err error, asJSON bool) {
	if !asJSON {
		complain(o, err)
		return
	}
	_ = encodeJSON(o.JSON(), complaintOf(err)) // there is nowhere else to complain
}

func complaintOf(err error) complaint {
	c := complaint{Code: "failed", Detail: explain(err)}
	var unanswered *client.UnansweredError
	var refused *client.Error
	switch {
	case errors.As(err, &unanswered) && unanswered.Unknown:
		c.Code = client.CodeOutcomeUnknown
	case errors.As(err, &refused): // of an unanswered request the cause, too
		c.Code = cmp.Or(refused.Code, c.Code)
	case unanswered != nil:
		c.Code = client.CodeUnavailable
	case usage.Is(err):
		c.Code = "usage"
	}
	if errors.As(err, &refused) {
		c.RequestID, c.Errors = refused.RequestID, refused.Fields
	}
	return c
}

// complain writes in one sentence what went wrong and what to do.
func complain(o *display.Output, err error) {
	o.Linef("%s %s", o.Paint(display.Bad, "voted:"), explain(err))
}

// warn writes warnings: what is not an error, but probably a mistake.
func warn(o *display.Output, sentences []string) {
	for _, sentence := range sentences {
		o.Linef("voted: warning: %s", sentence)
	}
}

// explain puts the errors of the client into the words of this program.
func explain(err error) string {
	var unanswered *client.UnansweredError
	var refused *client.Error
	switch {
	case errors.As(err, &unanswered):
		return explainUnanswered(unanswered)
	case errors.As(err, &refused):
		return explainRefusal(refused)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return err.Error()
}

func explainUnanswered(e *client.UnansweredError) string {
	where := strings.Join(e.Endpoints, ", ")
	if where == "" {
		where = "any endpoint"
	}
	tail := ""
	if e.Unknown {
		tail = "; the request may have arrived, and it is safe to send it again"
	}
	var refused *client.Error
	switch {
	case errors.Is(e.Context, context.Canceled):
		return "interrupted before " + where + " answered" + tail
	case errors.As(e.Cause, &refused):
		return explainRefusal(refused) + tail
	case errors.Is(e.Cause, syscall.ECONNREFUSED):
		return "no node answered at " + where + ": is it running? Start one with `voted dev`, or name another one with --endpoint"
	case isLookup(e.Cause):
		return "the host of " + where + " is not known; check --endpoint"
	}
	return fmt.Sprintf("no node answered at %s: %v%s", where, cause(e.Cause), tail)
}

func isLookup(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// cause shortens the errors of net, which repeat addresses.
func cause(err error) any {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took too long"
	}
	return err
}

// explainRefusal prefers the service's own sentence, and adds which command of this
// program helps, if one does.
func explainRefusal(e *client.Error) string {
	switch e.Code {
	case client.CodeAlreadyVoted:
		return explainVoted(e)
	case client.CodeVersionMismatch:
		return explainMismatch(e)
	}
	said := e.Detail
	if said == "" {
		said = e.Title
	}
	if said == "" {
		said = string(e.Code)
	}
	for _, f := range e.Fields {
		said = strings.TrimRight(said, ".") + "; " + f.Field + ": " + f.Detail
	}
	if sentence := sentences[e.Code]; sentence != "" {
		said = sentence
	}
	if advice := advices[e.Code]; advice != "" {
		said = strings.TrimRight(said, ".") + " (" + advice + ")"
	}
	return said
}

// explainVoted names the ballot's version, which a replacement must state.
func explainVoted(e *client.Error) string {
	version := "N"
	if e.Version > 0 {
		version = strconv.FormatUint(e.Version, 10)
	}
	return "this voter has voted already, otherwise; where the poll allows it, replace that ballot with --if-version " + version
}

// explainMismatch names the version or revision that is current, if there is one.
func explainMismatch(e *client.Error) string {
	if e.Version == 0 {
		return "it is not at the version or revision that was named; look at it, then decide again"
	}
	return fmt.Sprintf("it was changed since, and is at version or revision %d now; look at it, then decide again", e.Version)
}

// sentences replace sentences of the service that are in terms of HTTP.
var sentences = map[client.Code]string{
	client.CodeRollNotFound:   "this poll has no roll: anyone may vote in it",
	client.CodeVoterNotFound:  "this voter is not on the roll",
	client.CodePollNotFound:   "there is no such poll",
	client.CodePollNotClosed:  "this can be done once the poll has closed",
	client.CodeOutcomeUnknown: "no answer came in time; it may have been done, and it is safe to do it again",
}

// advices name the command that helps.
var advices = map[client.Code]string{
	client.CodeRollNotFound:    "a poll gets one with `voted poll create … --eligibility roll`",
	client.CodeVoterNotFound:   "put them on it with `voted roll load`",
	client.CodePollNotFound:    "see what there is with `voted poll list`",
	client.CodePollNotClosed:   "close it with `voted poll close`",
	client.CodeUnavailable:     "see which nodes are down with `voted cluster status`",
	client.CodeStorageFull:     "free some space on the nodes; they go on by themselves",
	client.CodeResultsHidden:   "see when that is with `voted poll show`",
	client.CodeUnauthenticated: "name a file that holds one with --token-file, put it into VOTED_TOKEN, or show a certificate with --cert and --key",
}

// fileProblem explains why a file cannot be used.
func fileProblem(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage.Errorf("there is no file %s", name)
	case errors.Is(err, fs.ErrPermission):
		return usage.Errorf("the file %s may not be read or written by this user", name)
	case errors.Is(err, syscall.EISDIR):
		return usage.Errorf("%s is a directory, not a file", name)
	}
	return fmt.Errorf("file %s: %w", name, err)
}

// outputProblem explains why a file cannot be written.
func outputProblem(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage.Errorf("there is no directory %s to write %s into; make it, or name another one", filepath.Dir(name), filepath.Base(name))
	case errors.Is(err, fs.ErrPermission):
		return usage.Errorf("%s may not be written by this user", name)
	case errors.Is(err, syscall.EISDIR):
		return usage.Errorf("%s is a directory; give the name of a file in it", name)
	case errors.Is(err, syscall.ELOOP):
		return usage.Errorf("%s is a link that leads in a circle", name)
	}
	return fmt.Errorf("%s cannot be written: %w", name, bare(err))
}

// bare removes the file name from an error, for sentences that already have it.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
