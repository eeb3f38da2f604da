package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/server"
)

// usage marks an error that another command line would cure.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// errSaid ends a command that has already told what went wrong.
var errSaid = errors.New("failed")

// usageError adds where to look to an error of kong's.
func usageError(err error) error {
	command := "voted"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if c := parse.Context.Selected(); c != nil {
			command = c.FullPath()
		}
	}
	return usagef("%w; see `%s --help`", err, command)
}

func exitCode(err error) int {
	var u usage
	if errors.As(err, &u) || errors.Is(err, server.ErrUsage) {
		return exitUsage
	}
	return exitFailed
}

// complain says in one sentence what went wrong and what to do.
func complain(o *display.Output, err error) {
	o.Linef("%s %s", o.Paint(display.Bad, "voted:"), explain(err))
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
	said := err.Error()
	if mark := server.ErrUsage.Error() + ": "; errors.Is(err, server.ErrUsage) {
		// What follows the mark, which layers repeat, is the sentence.
		if at := strings.LastIndex(said, mark); at >= 0 {
			said = said[at+len(mark):]
		}
	}
	return said
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
	case errors.As(e.Cause, &refused) && refused.Code == client.CodeUnavailable && strings.HasPrefix(refused.Detail, "Not every member"):
		return refused.Detail // a leader there is; the sentence says for whom it waits
	case errors.As(e.Cause, &refused) && refused.Code == client.CodeUnavailable:
		return "the cluster at " + where + " has no leader now; see which nodes are down with `voted cluster status`" + tail
	case errors.As(e.Cause, &refused):
		return explainRefusal(refused)
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

// explainRefusal prefers the service's own sentence, and says what to do where
// a command of this program can.
func explainRefusal(e *client.Error) string {
	if e.Code == client.CodeAlreadyVoted {
		return explainVoted(e)
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

// explainVoted names the version, which a replacement must name too.
func explainVoted(e *client.Error) string {
	version := "N"
	if e.Version > 0 {
		version = strconv.FormatUint(e.Version, 10)
	}
	return "this voter has voted already, otherwise; where the poll allows it, replace that ballot with --if-version " + version
}

// sentences say it in place of the service where that speaks of HTTP.
var sentences = map[client.Code]string{
	client.CodeRollNotFound:   "this poll has no roll: anyone may vote in it",
	client.CodeVoterNotFound:  "this voter is not on the roll",
	client.CodePollNotFound:   "there is no such poll",
	client.CodePollNotClosed:  "only a closed poll can be deleted",
	client.CodeOutcomeUnknown: "no answer came in time; it may have been done, and it is safe to do it again",
}

// advices say which command helps.
var advices = map[client.Code]string{
	client.CodeRollNotFound:    "a poll gets one with `voted poll create … --eligibility roll`",
	client.CodeVoterNotFound:   "put them on it with `voted roll load`",
	client.CodePollNotFound:    "see what there is with `voted poll list`",
	client.CodePollNotClosed:   "close it with `voted poll close`",
	client.CodeUnavailable:     "see which nodes are down with `voted cluster status`",
	client.CodeStorageFull:     "free some space on the nodes; they go on by themselves",
	client.CodeResultsHidden:   "this poll shows results once it is closed",
	client.CodeUnauthenticated: "name a file that holds one with --token-file, put it into VOTED_TOKEN, or show a certificate with --cert and --key",
}

// fileProblem explains why a file cannot be used.
func fileProblem(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("there is no file %s", name)
	case errors.Is(err, fs.ErrPermission):
		return usagef("the file %s may not be read or written by this user", name)
	case errors.Is(err, syscall.EISDIR):
		return usagef("%s is a directory, not a file", name)
	}
	return fmt.Errorf("file %s: %w", name, err)
}
