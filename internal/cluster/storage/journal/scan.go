package journal

import "slices"

// scan reads a whole segment: it checks every sector, and calls take with the head of
// each batch that is whole, with its records and where they begin in the contents of the
// segment. It notes in s.torn what a torn append has left after the last of them. buffer
// is used again.
func (s *segment) scan(buffer []byte, take func(h head, records []byte, at uint32) error) ([]byte, error) {
	size := int(s.sectors) * sectorBytes
	image := slices.Grow(buffer[:0], size)[:size]
	if _, err := s.file.ReadAt(image, 0); err != nil {
		return image, err
	}
	of, err := s.batchOf(image)
	if err != nil {
		return image, err
	}
	torn := uint32(0) // where the batch that lacks sectors ends; 0: its head is missing, too
	for s.end < s.sectors && of[s.end] == s.batches+1 {
		h := readHead(image[int(s.end)*sectorBytes+sealBytes:])
		if h.sectors == 0 || h.sectors > s.sectors-s.end || sectorsFor(batchHead+int(h.bytes)) != h.sectors {
			return image, s.damagedAt(s.end, "begins a batch of an impossible size")
		}
		if slices.ContainsFunc(of[s.end:s.end+h.sectors], func(b uint32) bool { return b != s.batches+1 }) {
			torn = s.end + h.sectors
			break
		}
		last := int(s.end+h.sectors-1) * sectorBytes
		sum := order.Uint32(image[last:])
		if err := take(h, s.contents(image, h), s.end*contentBytes+batchHead); err != nil {
			return image, err
		}
		s.batches, s.last, s.end, s.sum = s.batches+1, s.end, s.end+h.sectors, sum
	}
	return image, s.rest(of, torn)
}

// batchOf returns the batch of each sector, 0 for zeros.
func (s *segment) batchOf(image []byte) ([]uint32, error) {
	of := make([]uint32, s.sectors)
	for i := uint32(1); i < s.sectors; i++ {
		sector := image[int(i)*sectorBytes:][:sectorBytes]
		if zeros(sector) {
			continue
		}
		batch, ok := opened(s.seed, i, sector)
		if !ok || batch == 0 {
			return nil, s.damagedAt(i, "does not match its checksum")
		}
		of[i] = batch
	}
	return of, nil
}

// rest checks the sectors after the last whole batch. Each must be zeros, or belong to the
// one batch that was being written when the process died or the power failed.
func (s *segment) rest(of []uint32, torn uint32) error {
	for i := s.end; i < s.sectors; i++ {
		if of[i] == 0 {
			continue
		}
		if of[i] != s.batches+1 || torn != 0 && i >= torn {
			return s.damagedAt(i, "is of batch %d, and batch %d before it is incomplete or missing", of[i], s.batches+1)
		}
		s.torn = i + 1
	}
	return nil
}

// contents returns the records of the batch that begins at s.end: it moves them together
// within the image, over sectors that are not needed again.
func (s *segment) contents(image []byte, h head) []byte {
	from := int(s.end)*sectorBytes + sealBytes + batchHead
	records := image[from:from]
	for i := range h.sectors {
		at := int(s.end+i) * sectorBytes
		begin := at + sealBytes
		if i == 0 {
			begin += batchHead
		}
		records = append(records, image[begin:at+sectorBytes]...)
	}
	return records[:h.bytes]
}
