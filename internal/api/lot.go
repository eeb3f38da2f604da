package api

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// lotBody is a lot as clients enter it: the order of the options, or the seed that makes
// it.
type lotBody struct {
	Order []string `json:"order"`
	Seed  string   `json:"seed"`
}

// maxLotBytes bounds a lot: as many ids as a poll has options, or a seed.
const maxLotBytes = poll.MaxOptions*(poll.MaxIDBytes+8) + 1024

// drawLot serves PUT of a lot.
func (h *Handler) drawLot(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	if _, err := negotiate(r, mediaJSON); err != nil {
		return err
	}
	var body lotBody
	if err := readJSON(w, r, maxLotBytes, &body, mediaJSON); err != nil {
		return err
	}
	switch {
	case (body.Order == nil) == (body.Seed == ""):
		return malformed(`A lot is {"order":[…]}, with the id of each option once, or {"seed":"…"}.`)
	case len(body.Seed) > poll.MaxSeedBytes || !utf8.ValidString(body.Seed):
		return refusal.For(refusal.LotIncomplete)
	}
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil { // the options are needed, and never change
		return err
	}
	info, _, err := h.info(id)
	if err != nil {
		return err
	}
	c := poll.DrawLot{Poll: id, Seed: body.Seed}
	if body.Seed != "" {
		c.Order = poll.LotOfSeed(info.Rules.Options, body.Seed)
	} else if c.Order, err = order(body.Order, info.Rules); err != nil {
		return err
	}
	if _, err := h.execute(ctx, w, c); err != nil {
		return err
	}
	return h.sendPoll(w, id, http.StatusOK)
}

// order reads the ids of options. Each option of the poll must be there once.
func order(ids []string, rules *poll.Rules) ([]int, error) {
	seen := make([]bool, len(rules.Options))
	numbers := make([]int, len(ids))
	wrong := func(i int, detail string) error {
		e := refusal.For(refusal.LotIncomplete)
		e.Fields = []refusal.FieldError{{Field: poll.Item("order", i), Detail: detail}}
		return e
	}
	for i, id := range ids {
		n, ok := rules.OptionNumber([]byte(id))
		switch {
		case !ok:
			return nil, wrong(i, "The poll has no option "+strconv.Quote(id)+".")
		case seen[n]:
			return nil, wrong(i, "The option "+strconv.Quote(id)+" stands here twice.")
		}
		seen[n], numbers[i] = true, n
	}
	if len(ids) != len(rules.Options) {
		return nil, refusal.For(refusal.LotIncomplete)
	}
	return numbers, nil
}
