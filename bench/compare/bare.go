package compare

import (
	"context"
	"os"

	"voted/internal/child"
	"voted/internal/ports"
)

// bare is the handler without anything behind it, in one or more processes.
type bare struct {
	label     string
	authority *authority
	ports     *ports.Block
	addrs     []string
	processes []*process
}

func startBare(ctx context.Context, s *child.Starter, binary string, n int, dir string, a *authority) (*bare, error) {
	b := &bare{label: "bare one", authority: a}
	if n > 1 {
		b.label = "bare three"
	}
	var err error
	if b.ports, err = ports.Claim(n); err != nil {
		return nil, err
	}
	b.addrs = b.ports.Addrs(n)
	var secrets []string // the arguments that put it under TLS
	if a != nil {
		cert, key, err := a.issue("bare", dir)
		if err != nil {
			b.stop()
			return nil, err
		}
		secrets = []string{cert, key}
	}
	for _, addr := range b.addrs {
		p, err := start(s, os.Interrupt, nil, binary, append([]string{addr}, secrets...)...)
		if err != nil {
			b.stop()
			return nil, err
		}
		b.processes = append(b.processes, p)
		if err := p.waitListening(ctx, addr); err != nil {
			b.stop()
			return nil, err
		}
	}
	return b, nil
}

func (b *bare) stop() {
	endAll(b.processes)
	b.ports.Release()
}

func (b *bare) name() string { return b.label }

func (b *bare) about() string {
	if len(b.addrs) == 1 {
		return b.authority.describe("net/http, gorilla/mux and encoding/json in one process: decodes, answers a receipt, keeps nothing", "TLS to clients")
	}
	return "the same in three processes, the load spread over them"
}

func (b *bare) does(m Mode) bool { return m == ModeSingle || m == ModeReplay }

func (b *bare) pids() []int { return pidsOf(b.processes) }

func (b *bare) measure(ctx context.Context, p phase, begin, end func()) (Figures, error) {
	begin()
	result, err := load(ctx, p, b.addrs, b.authority)
	end()
	if err != nil {
		return Figures{}, err
	}
	f := figures(result)
	f.Stored = f.Acked // it keeps nothing that could be counted
	return f, nil
}

func pidsOf(processes []*process) []int {
	pids := make([]int, len(processes))
	for i, p := range processes {
		pids[i] = p.pid()
	}
	return pids
}
