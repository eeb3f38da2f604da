package compare

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"voted/internal/child"
)

// peers is the program that has the other systems' client libraries.
type peers struct {
	binary  string
	starter *child.Starter
	// running is called with the program's process when it starts, and with 0 when it has
	// ended.
	running func(pid int)
}

// peerFigures is what the program prints.
type peerFigures struct {
	Acknowledged uint64  `json:"acknowledged"`
	InWindow     uint64  `json:"in_window"`
	Refused      uint64  `json:"refused"`
	Unknown      uint64  `json:"unknown"`
	Problem      string  `json:"problem"`
	Seconds      float64 `json:"seconds"`
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
}

// measure runs the program for one phase.
func (p *peers) measure(ctx context.Context, ph phase, env []string, begin, end func(), args ...string) (Figures, error) {
	args = append(args, "--poll", ph.poll, "--connections", strconv.Itoa(ph.connections),
		"--seconds", strconv.FormatFloat(ph.seconds, 'f', -1, 64), "--batch", strconv.Itoa(batchRows))
	cmd := command(nil, p.binary, args...)
	cmd.Env = append(os.Environ(), env...)
	said := &tail{}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	if err != nil {
		return Figures{}, fmt.Errorf("the peers' client cannot be started: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Figures{}, fmt.Errorf("the peers' client cannot be started: %w", err)
	}
	if err := p.starter.Start(cmd); err != nil {
		return Figures{}, fmt.Errorf("the peers' client cannot be started: %w", err)
	}
	p.running(cmd.Process.Pid)
	defer p.running(0)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ph.seconds*float64(time.Second))+phaseGrace)
	defer cancel()
	kill := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // it may just have ended
	defer kill()
	f, talkErr := talk(in, out, begin, end)
	if err := cmd.Wait(); err != nil || talkErr != nil {
		return Figures{}, fmt.Errorf("the peers' client failed: %w; it said: %s", errors.Join(talkErr, err, ctx.Err()), said)
	}
	return f, nil
}

// talk has the program begin once it is ready, and reads its figures.
func talk(in io.Writer, out io.Reader, begin, end func()) (Figures, error) {
	lines := bufio.NewReader(out)
	if ready, err := lines.ReadString('\n'); err != nil || strings.TrimSpace(ready) != "ready" {
		return Figures{}, errors.Join(errors.New("it is not ready"), err)
	}
	begin()
	if _, err := io.WriteString(in, "go\n"); err != nil {
		return Figures{}, fmt.Errorf("it cannot be asked to begin: %w", err)
	}
	answers := json.NewDecoder(lines)
	var got peerFigures
	err := answers.Decode(&got)
	end()
	if err != nil {
		return Figures{}, fmt.Errorf("it measured nothing: %w", err)
	}
	var count struct {
		Stored uint64 `json:"stored"`
	}
	if err := answers.Decode(&count); err != nil {
		return Figures{}, fmt.Errorf("it counted nothing: %w", err)
	}
	return Figures{
		Rate: float64(got.InWindow) / got.Seconds, P50: got.P50, P99: got.P99,
		Acked: got.Acknowledged, Refused: got.Refused, Unknown: got.Unknown, Problem: got.Problem, Stored: count.Stored,
	}, nil
}
