#!/usr/bin/env python3
"""Explicit-state model of Shopmesh's checkout, searched breadth first over all interleavings.

    python3 checkout.py              every variant in every configuration, every mutant in four: one line each
    python3 checkout.py --check      the protocol keeps its promises in the quick configurations, and each mutant breaks one
    python3 checkout.py S            one variant or mutant (or several, separated by commas)
    python3 checkout.py S same       one configuration, with the shortest trace of each breach
    python3 checkout.py --list       names and what they mean

Network and crashes: a message, once sent, may be handled at any later step, any number of times, or never (delay, loss with or without
effect, duplicate and reorder in one). An attempt may end at every step; a transaction that it had under way may still commit at any
later step (lost acknowledgement of COMMIT). A hold may be swept at any step: there is no clock. Databases keep, all else is lost.
"""
import sys
import time
from functools import lru_cache

IDLE, WAIT, LOOK, TX, WRITE, CLEAN, REJECTED, ZOMBIE, LOST, DONE = range(10)  # the step of an attempt (one run of PlaceOrder)
OOS, PRICE, REUSED, ABANDONED = 10, 11, 12, 13  # replies of ReserveStock; 1, 2: held at that price; 5, 6: the same, row was known
NAME = {1: 'HELD at 1', 2: 'HELD at 2', 5: 'HELD at 1 (known)', 6: 'HELD at 2 (known)', OOS: 'OUT_OF_STOCK',
        PRICE: 'PRICE_CHANGED', REUSED: 'REQUEST_ID_REUSED', ABANDONED: 'CHECKOUT_ABANDONED'}

# State: a tuple of these; the last six fields but ATT have one entry for each order_id.
STOCK = 0   # (on_hand, held, put_in, price)                                    product-svc
BUDGET = 1  # (price changes, units added, units taken out, cancels) left       environment
ATT = 2     # for each attempt: (where, price of its hold, replies in flight or reason)
ROWS = 3    # None or (state, body, price); body = (quantity, expected_total, address)      product-svc
ODB = 4     # (orders ((body, price, state), ...), tombstone, a resolve that read "no order")   order-svc
EV = 5      # [order-created, order-cancelled]: 0 none, 1 outbox, 2 Kafka, 3 Kafka and handled once at least
MSG = 6     # sent: Release, Return, ResolveCheckouts, its answer PLACED, its answer ABANDONED
HIST = 7    # (first OK reply, ABANDONED sent, replies with replayed=false, 1 rejection + 2 REUSED received)
REL, RET, ASK, PLACED, NO_ORDER = range(5)

INVARIANTS = {
    '1': 'units add up, free is never < 0', '2': 'a CONFIRMED order has its stock held or committed: no oversell',
    '3': 'one order per request; acknowledged = exists; equal replies; no second body; replayed=false at most once',
    '4': 'at rest: no hold left, each order committed, or returned once', '6': 'a rejected checkout stores nothing',
    '5': 'after a reply ABANDONED: no order, ever; no order at the moment a rejection is decided', '7': 'one purchase, one order',
    '5r': 'no order at the moment the client receives a rejection', '3x': 'replayed=false is in exactly one reply (not promised)'}
VARIANTS = {  # name: (flags, what it is)
    'A': ('direct nofp price_late rehold', 'any failure after the hold calls Release; a released row is gone'),
    'A2': ('direct', 'C, but any failure after the hold calls Release; the released row stays'),
    'B': ('tomb nofp price_late', 'attempt writes the tombstone, then releases; a known row is not compared'),
    'B2': ('tomb fpitems price_late', 'B, and product-svc compares the items of a known row'),
    'C': ('tomb', 'B, fingerprint of the whole request, all rejections in product-svc'),
    'S': ('', 'architecture.md now: C, but only the sweeper has a tombstone written'),
    'S2': ('deadfirst', 'S, and a RELEASED row answers ABANDONED to any body')}
MUTANTS = {
    'S+clock': ('clock', 'the sweeper releases without asking'),
    'S+nosweep': ('nosweep', 'no sweeper'),
    'S+notomb': ('notomb', 'ResolveCheckouts answers ABANDONED without a tombstone'),
    'S+skew': ('skew', 'order and tombstone in two tables, each looks for the other (READ COMMITTED)'),
    'C+unconf': ('tomb unconf', 'Release also where the tombstone is not confirmed'),
    'S+reportdead': ('reportdead', 'unknown outcome of the order transaction is reported as ABANDONED'),
    'S+nocheck': ('nocheck', 'Reserve does not look at free stock'),
    'S+setbelow': ('setbelow', 'admin may set on_hand below held'),
    'S+dup': ('dup', 'order_id not unique in order-svc'),
    'S+nofp': ('nofp', 'a known row is not compared'),
    'S+noorderfp': ('noorderfp', 'order-svc does not compare the fingerprint of an order that is there'),
    'S+rejectfirst': ('rejectfirst', 'Reserve looks at stock and price before it looks for the row'),
    'S+reprice': ('reprice', 'Reserve returns the current price for a known row'),
    'S+rendernow': ('rendernow', 'a replayed reply shows the current state'),
    'S+prunetomb': ('prunetomb', 'tombstones are deleted after the release'),
    'S+prunerel': ('prunerel', 'RELEASED rows are deleted, tombstones stay'),
    'S+prunedone': ('prunedone', 'RETURNED rows are deleted'),
    'S+lostcreated': ('lostcreated', 'order-created may be lost'),
    'S+lostcancel': ('lostcancel', 'order-cancelled may be lost'),
    'D+heldignored': ('heldignored', 'order-cancelled does nothing to a HELD row'),
    'D+unguarded': ('unguarded', 'order-created commits a RETURNED row'),
    'D+twice': ('twice', 'order-cancelled returns stock each time it arrives'),
    'D+callafter': ('callafter', 'no outbox row: product-svc is called after the cancel transaction'),
    'D+callbefore': ('callbefore', 'product-svc is called before the cancel transaction')}
B, BQ, BA, B1, B2 = (1, 0, 'x'), (2, 0, 'x'), (1, 0, 'y'), (1, 1, 'x'), (1, 2, 'x')  # other quantity, address, expected_total
CONFIGS = {  # name: attempts (order_id, body), on hand, BUDGET, guards {attempt: (what must have happened, to whom)}, what it is
    'same': ([(0, B)] * 4, 1, (0, 0, 0, 1), {}, 'one request_id, one body, 4 attempts; cancel'),
    'bodies': ([(0, B), (0, B), (0, BQ), (0, BQ)], 2, (0, 0, 0, 1), {}, 'one request_id, quantity 1 and 2, 2 attempts each; cancel'),
    'address': ([(0, B), (0, B), (0, BA), (0, BA)], 1, (0, 0, 0, 1), {}, 'one request_id, two addresses, 2 attempts each; cancel'),
    'race': ([(0, B), (0, B), (1, B)], 1, (0, 0, 0, 2), {}, 'two customers, last unit, 2 attempts and 1; 2 cancels'),
    'price': ([(0, B1), (0, B1), (0, B2)], 1, (2, 0, 0, 1), {}, 'price 1, 2, 1; expected_total 1 (2 attempts) and 2; cancel'),
    'noexpect': ([(0, B)] * 3, 1, (2, 0, 0, 1), {}, 'price 1, 2, 1; no expected_total, 3 attempts; cancel'),
    'refill': ([(0, B)] * 3, 0, (0, 1, 1, 1), {}, 'none on hand, one comes, one is taken out; 3 attempts; cancel'),
    'refillrace': ([(0, B), (0, B), (1, B)], 0, (0, 1, 0, 1), {}, 'none on hand, one comes, two customers, 2 attempts and 1; cancel'),
    'sequential': ([(0, B1)] * 3, 0, (2, 1, 0, 0), {1: ('answered', 0), 2: ('answered', 1)}, 'an attempt only after the last was answered'),
    'newid': ([(0, B), (0, B), (1, B)], 0, (0, 2, 0, 0), {2: ('rejected', 0)}, 'client takes a new request_id after a rejection'),
    'ended': ([(0, B), (0, B), (1, B)], 0, (0, 2, 0, 0), {1: ('open', 0), 2: ('rejected', 0)}, 'newid, each attempt ended before the next'),
    'newid2': ([(0, B), (0, BA), (1, BA)], 2, (0, 0, 0, 0), {2: ('reused', 0)}, 'client takes a new request_id after REQUEST_ID_REUSED'),
    'keepid': ([(0, B), (0, B), (1, B)], 0, (0, 2, 0, 0), {2: ('abandoned', 0)}, 'client takes a new request_id only after ABANDONED'),
    'race4': ([(0, B), (0, B), (1, B), (1, B)], 1, (0, 0, 0, 2), {}, 'race, 2 attempts each: some minutes, only where named')}


def put(t, i, x):
    return t[:i] + (x,) + t[i + 1:]


def put2(s, field, o, x):
    return put(s, field, put(s[field], o, x))


def send(s, o, m):
    return put2(s, MSG, o, put(s[MSG][o], m, 1))


def row(s, o, r, on_hand=0, held=0):
    a, b, total, price = s[STOCK]
    return put2(put(s, STOCK, (a + on_hand, b + held, total, price)), ROWS, o, r)


class Model:
    def __init__(self, flags, config):
        self.f = set(flags.split())
        self.who, self.on_hand, self.budget, self.guards, _ = config
        self.n = 1 + max(o for o, _ in self.who)
        kinds = {g[0] for g in self.guards.values()}
        self.sequential, self.purchase = kinds & {'answered', 'open'}, kinds & {'rejected', 'reused', 'abandoned'}
        key = lambda i: (i if self.sequential else 0, self.who[i], i in self.guards)
        everyone = range(len(self.who))
        self.groups = [g for k in {key(i) for i in everyone} if len(g := [i for i in everyone if key(i) == k]) > 1]  # interchangeable

    def initial(self):
        n = self.n
        return ((self.on_hand, 0, self.on_hand, 1), self.budget, ((IDLE, 0, 0),) * len(self.who), (None,) * n, (((), 0, 0),) * n,
                ((0, 0),) * n, ((0,) * 5,) * n, ((None, 0, 0, 0),) * n)

    def canon(self, s):
        a = list(s[ATT])
        for g in self.groups:
            for i, x in zip(g, sorted(a[i] for i in g)):
                a[i] = x
        return put(s, ATT, tuple(a))

    # ---- product-svc: each method is one transaction
    def reserve(self, s, o, body):
        f, r, (on, held, _, price) = self.f, s[ROWS][o], s[STOCK]
        rejection = PRICE if body[1] not in (0, price) and 'price_late' not in f else OOS if on - held < body[0] and 'nocheck' not in f else 0
        if rejection and (r is None or 'rejectfirst' in f):
            return s, rejection
        if r is None:
            return row(s, o, ('HELD', body, price), held=body[0]), price
        if r[0] == 'RELEASED' and 'deadfirst' in f:
            return s, ABANDONED
        if 'nofp' not in f and (r[1][0] != body[0] if 'fpitems' in f else r[1] != body):
            return s, REUSED
        return s, ABANDONED if r[0] == 'RELEASED' else 4 + (price if 'reprice' in f else r[2])

    def move(self, s, o, to):
        """A message that wants the reservation in state `to`; finding it elsewhere it does nothing."""
        f, r = self.f, s[ROWS][o]
        if r is None:
            return s
        q, new, way = r[1][0], (to,) + r[1:], (r[0], to)
        if way == ('HELD', 'COMMITTED'):
            return row(s, o, new, on_hand=-q, held=-q)
        if way == ('HELD', 'RELEASED'):
            return row(s, o, None if 'rehold' in f else new, held=-q)
        if way == ('HELD', 'RETURNED') and 'heldignored' not in f:
            return row(s, o, new, held=-q)
        if way == ('COMMITTED', 'RETURNED') or way == ('RETURNED', 'RETURNED') and 'twice' in f and s[STOCK][0] <= s[STOCK][2]:
            return row(s, o, new, on_hand=q)
        if way == ('RETURNED', 'COMMITTED') and 'unguarded' in f:
            return row(s, o, new, on_hand=-q)
        return s

    # ---- order-svc
    def insert(self, s, o, body, price):
        orders, tomb, saw = s[ODB][o]
        return put2(put2(s, ODB, o, (orders + ((body, price, 'CONFIRMED'),), tomb, saw)), EV, o, put(s[EV][o], 0, 1))

    def tombstone(self, s, o):
        orders, _, saw = s[ODB][o]
        return put2(s, ODB, o, (orders, 1, saw))

    def resolve(self, s, o):
        """ResolveCheckouts, whole: yields the one or two states it can lead to."""
        orders, tomb, saw = s[ODB][o]
        if orders:
            yield 'PLACED', send(s, o, PLACED)
        elif tomb or 'notomb' in self.f:
            yield 'ABANDONED', send(s, o, NO_ORDER)
        elif 'skew' in self.f:
            yield 'reads "no order"', put2(s, ODB, o, (orders, tomb, 1))
        else:
            yield 'ABANDONED, tombstone written', send(self.tombstone(s, o), o, NO_ORDER)
        if saw and not tomb:
            yield 'writes the tombstone, ABANDONED', send(self.tombstone(s, o), o, NO_ORDER)

    def end(self, s, i, hist=None):
        s = put2(s, ATT, i, (DONE if self.sequential else LOST, 0, 0))
        return put2(s, HIST, self.who[i][0], hist) if hist else s

    def reply_ok(self, s, i, new):
        """A reply that was sent counts as received, the stronger reading. The order keeps the fingerprint: another body is rejected here too."""
        o, body = self.who[i]
        order, (first, dead, fresh, got) = s[ODB][o][0][-1 if new else 0], s[HIST][o]
        if order[0] != body:
            return self.end(s, i), '3' if 'noorderfp' in self.f else None
        reply = order if 'rendernow' in self.f else order[:2]
        return self.end(s, i, (first or reply, dead, min(2, fresh + new), got)), '3' if first not in (None, reply) or fresh and new else None

    def reply(self, s, i, abandoned=0, got=0):
        h = s[HIST][self.who[i][0]]
        return self.end(s, i, (h[0], h[1] | abandoned, h[2], h[3] | (got if self.purchase else 0)))

    # ---- all steps: (label, next state, invariant that the step itself breaks or None)
    def steps(self, s):
        for i, (o, body) in enumerate(self.who):
            a = f'attempt {i} (id{o}, quantity {body[0]}, expects {body[1] or "any"}, to {body[2]})'
            for label, t, bad in self.attempt(s, i, o, body):
                yield f'{a}: {label}', t, bad
        for o in range(self.n):
            for label, t in self.background(s, o):
                yield f'id{o}: {label}', t, None
        (on, held, total, price), (changes, more, less, cancels) = s[STOCK], s[BUDGET]
        if changes:
            yield f'price becomes {3 - price}', ((on, held, total, 3 - price), (changes - 1, more, less, cancels)) + s[2:], None
        if more:
            yield 'admin adds a unit', ((on + 1, held, total + 1, price), (changes, more - 1, less, cancels)) + s[2:], None
        if less and (on > held or 'setbelow' in self.f and on):
            yield 'admin takes a unit out', ((on - 1, held, total - 1, price), (changes, more, less - 1, cancels)) + s[2:], None

    def attempt(self, s, i, o, body):
        f, (where, price, x), orders, tomb = self.f, s[ATT][i], *s[ODB][o][:2]
        to = lambda t, *pc: put2(t, ATT, i, pc)
        if where == IDLE:
            what, whom = self.guards.get(i, ('', 0))  # the first two are about an attempt, the others about an order_id
            step, h = s[ATT][whom][0], s[HIST][0 if what in ('answered', 'open') else whom]
            if {'': 1, 'answered': step == DONE, 'open': step in (ZOMBIE, LOST),
                    'abandoned': h[1], 'rejected': h[3] & 1, 'reused': h[3] & 2}[what]:
                yield 'arrives, sends ReserveStock', to(s, WAIT, 0, 0), None
            return
        t, r = self.reserve(s, o, body)  # its ReserveStock, at any time from now on, again and again
        bad = '5' if r in (OOS, PRICE) and orders else None
        if where == WAIT or t is not s or bad:
            yield f'product-svc handles its ReserveStock: {NAME[r]}', to(t, WAIT, 0, x | 1 << r) if where == WAIT else t, bad
        if where == WAIT:
            for r in (r for r in NAME if x >> r & 1):
                label = f'gets {NAME[r]}'
                if r < 10 and 'price_late' in f and body[1] not in (0, r & 3):
                    if 'direct' in f:
                        yield f'{label}, not its price: sends Release', send(to(s, REJECTED, 0, PRICE), o, REL), '5' if orders else None
                    else:
                        yield f'{label}, not its price', to(s, CLEAN, 0, PRICE), None
                elif r < 10:
                    yield label, to(s, LOOK if r > 4 else TX, r & 3, 0), None
                elif r in (OOS, PRICE):
                    yield f'{label}, passes it on', to(s, REJECTED, 0, r), None
                else:
                    yield f'{label}, replies so', self.reply(s, i, abandoned=r == ABANDONED, got=2 * (r == REUSED)), None
            yield 'crashes or gives up waiting: UNAVAILABLE', to(s, LOST, 0, 0), None
            if 'direct' in f:
                yield 'gives up waiting, sends Release', send(to(s, LOST, 0, 0), o, REL), None
            if 'tomb' in f:
                yield 'gives up waiting', to(s, CLEAN, 0, 0), None
        if where == LOOK:
            if orders:
                yield 'finds the order: replies OK', *self.reply_ok(s, i, 0)
            else:
                yield 'finds no order yet', to(s, TX, price, 0), None
            yield 'crashes', to(s, LOST, 0, 0), None
        if where == TX and 'skew' in f:
            if orders or tomb:
                yield 'reads order or tombstone', *(self.reply_ok(s, i, 0) if orders else (self.reply(s, i, abandoned=1), None))
            else:
                yield 'reads: no order, no tombstone', to(s, WRITE, price, 0), None
        if where == WRITE and not orders:
            yield 'writes the order: replies OK', *self.reply_ok(self.insert(s, o, body, price), i, 1)
        if where in (TX, ZOMBIE, CLEAN) and price and 'skew' not in f:  # the transaction may be under way beyond the attempt's end
            new = not tomb and (not orders or 'dup' in f and len(orders) < 2)
            t = self.insert(s, o, body, price) if new else s
            if new:
                yield 'order transaction commits, the acknowledgement is lost', t, None
            if where == TX and tomb and not orders:
                yield 'order transaction finds the tombstone: replies ABANDONED', self.reply(s, i, abandoned=1), None
            elif where == TX:
                yield f'order transaction ({"new" if new else "order was there"}): replies OK', *self.reply_ok(t, i, int(new))
        if where in (TX, WRITE):
            dead = to(s, ZOMBIE, price, 0) if where == TX else to(s, LOST, 0, 0)
            yield 'crashes, or outcome unknown: UNAVAILABLE', dead, None
            if 'reportdead' in f:
                yield 'outcome unknown, replies ABANDONED', put2(self.reply(s, i, abandoned=1), ATT, i, dead[ATT][i]), None
            if 'direct' in f:
                yield 'order transaction failed or unknown: sends Release', send(dead, o, REL), None
            if 'tomb' in f:
                yield 'order transaction failed or unknown', to(s, CLEAN, price, 0), None
        if where == CLEAN:  # price: its order transaction may be under way; x: the rejection to report
            if orders:
                yield 'tombstone transaction finds the order: replies OK', *self.reply_ok(s, i, 0)
            else:
                t = send(self.tombstone(s, o), o, REL)
                label = f'tombstone written, sends Release, replies {NAME[x or ABANDONED]}'
                yield label, to(t, REJECTED, 0, x) if x else self.reply(t, i, abandoned=1), '6' if x else None
            for label, t in ('not written', s), ('written, not confirmed', s if orders else self.tombstone(s, o)):
                t = to(t, *((ZOMBIE, price, 0) if price else (LOST, 0, 0)))
                yield f'tombstone {label}', send(t, o, REL) if 'unconf' in f else t, None
        if where == REJECTED:
            yield f'client receives {NAME[x]}', self.reply(s, i, got=1), '5r' if orders else None
            yield 'its reply is lost', to(s, LOST, 0, 0), None

    def background(self, s, o):
        f, r, (orders, tomb, saw), (made, gone), msg = self.f, s[ROWS][o], s[ODB][o], s[EV][o], s[MSG][o]
        if r and r[0] == 'HELD' and 'nosweep' not in f:
            yield 'sweeper asks', send(s, o, ASK)
            if 'clock' in f:
                yield 'hold is old: released', self.move(s, o, 'RELEASED')
        if msg[ASK]:
            for answer, t in self.resolve(s, o):
                yield f'ResolveCheckouts handled: {answer}', t
        for m, what, state in ((REL, 'Release', 'RELEASED'), (RET, 'Return', 'RETURNED'),
                               (PLACED, 'PLACED', 'COMMITTED'), (NO_ORDER, 'ABANDONED', 'RELEASED')):
            if msg[m]:
                yield f'product-svc handles {what}', self.move(s, o, state)
        for k, (name, state) in enumerate((('order-created', 'COMMITTED'), ('order-cancelled', 'RETURNED'))):
            if s[EV][o][k] == 1:
                yield f'relay publishes {name}', put2(s, EV, o, put(s[EV][o], k, 2))
            if s[EV][o][k] >= 2:
                yield f'product-svc handles {name}', put2(self.move(s, o, state), EV, o, put(s[EV][o], k, 3))
            if s[EV][o][k] == 2 and ('lostcreated', 'lostcancel')[k] in f:
                yield f'{name} is lost', put2(s, EV, o, put(s[EV][o], k, 3))
        if 'prunetomb' in f and tomb and r and r[0] == 'RELEASED':
            yield 'tombstone deleted', put2(s, ODB, o, (orders, 0, saw))
        if r and ('prunerel' in f and r[0] == 'RELEASED' or 'prunedone' in f and r[0] == 'RETURNED'):
            yield 'row deleted', put2(s, ROWS, o, None)
        if orders and orders[0][2] == 'CONFIRMED' and s[BUDGET][3]:
            b = put(s, BUDGET, put(s[BUDGET], 3, s[BUDGET][3] - 1))
            t = put2(b, ODB, o, ((orders[0][:2] + ('CANCELLED',),) + orders[1:], tomb, saw))
            if 'callbefore' in f:
                yield 'CancelOrder: product-svc called first', send(self.move(b, o, 'RETURNED'), o, RET)
            elif 'callafter' in f:
                yield 'CancelOrder: order cancelled, sends Return', send(t, o, RET)
            else:
                yield 'CancelOrder: order cancelled, outbox row written', put2(t, EV, o, (made, 1))

    # ---- invariants
    @lru_cache(maxsize=None)
    def broken(self, stock, rows, odb, hist, at_rest):
        (on, held, total, _), bad = stock, set()
        units = lambda state: sum(r[1][0] for r in rows if r and r[0] == state)
        sold = [(order, rows[o], hist[o]) for o in range(self.n) for order in odb[o][0]]
        live = [order[0][0] for order, _, _ in sold if order[2] == 'CONFIRMED']
        if held != units('HELD') or on != total - units('COMMITTED') or not 0 <= held <= on:
            bad.add('1')
        if sum(live) > total:
            bad.add('2')
        for (body, price, state), r, h in sold:
            if state == 'CONFIRMED' and (not r or r[0] not in ('HELD', 'COMMITTED') or r[1][0] != body[0]):
                bad.add('2')
            if r and r[2] != price or body[1] not in (0, price):
                bad.add('3')  # not the price held, or not the one expected
            if h[1]:
                bad.add('5')
            if at_rest and (r[0] if r else 'RETURNED') != ('COMMITTED' if state == 'CONFIRMED' else 'RETURNED'):
                bad.add('4')
        if any(len(d[0]) > 1 or h[0] and not d[0] for d, h in zip(odb, hist)):
            bad.add('3')
        if self.purchase and len(live) > 1:
            bad.add('7')
        if at_rest and (held or units('HELD') or on != total - sum(live)):
            bad.add('4')
        if at_rest and any(h[0] and not h[2] for h in hist):
            bad.add('3x')
        return bad

    def rests(self, s):
        return all(a[0] in (IDLE, ZOMBIE, LOST, DONE) for a in s[ATT]) and not any(e in (1, 2) for pair in s[EV] for e in pair)

    def swept(self, s):
        """One whole pass of the sweeper: what a state at rest becomes without any other step."""
        for o, r in enumerate(s[ROWS]):
            if r and r[0] == 'HELD' and 'nosweep' not in self.f:
                for _ in range(2):  # under skew: reads, then writes
                    s = list(self.resolve(s, o))[-1][1]
                s = self.move(s, o, 'COMMITTED' if s[MSG][o][PLACED] else 'RELEASED')
        return s

    # ---- search
    def check(self, cap=2_500_000, until=frozenset()):
        """Breadth first: (states, steps, states at rest, {invariant: shortest trace}, whether all were seen).

        Ends early at a breach of an invariant in `until`."""
        start = self.initial()
        parent, layer, found, steps, rest = {start: None}, [start], {}, 0, 0
        while layer:
            following = []
            for s in layer:
                for label, t, bad in self.steps(s):
                    steps += 1
                    if bad and bad not in found:
                        found[bad] = self.trace(parent, s) + [label]
                    if t == s:
                        continue
                    t = self.canon(t)
                    if t in parent:
                        continue
                    parent[t] = s
                    following.append(t)
                    bad = self.broken(t[STOCK], t[ROWS], t[ODB], t[HIST], False)
                    if self.rests(t):
                        rest += 1
                        w = self.swept(t)
                        bad = bad | self.broken(w[STOCK], w[ROWS], w[ODB], w[HIST], True)
                    for b in bad:
                        if b not in found:
                            found[b] = self.trace(parent, t)
            if len(parent) > cap or until & found.keys():
                return len(parent), steps, rest, found, False
            layer = following
        return len(parent), steps, rest, found, True

    def trace(self, parent, s):
        path, labels = [], []
        while s is not None:
            path.append(s)
            s = parent[s]
        s = path.pop()
        for want in reversed(path):  # walked again without renaming interchangeable attempts
            label, s = next((label, t) for label, t, _ in self.steps(s) if self.canon(t) == want)
            labels.append(label)
        return labels


PROTOCOL = 'S2'
QUICK = ('same', 'bodies', 'price', 'refill', 'sequential', 'keepid')
REDUNDANT = ('S+noorderfp', 'S+prunerel', 'S+lostcreated')  # without these the other steps still keep every promise
PROMISED = frozenset('123456')  # and 7, where the client keeps its request_id as the contract requires


def check():
    """Returns the lines of what is not as expected: a promise that the protocol breaks, a mutant that breaks none."""
    wrong = []
    for config in QUICK:
        *_, found, whole = Model(VARIANTS[PROTOCOL][0], CONFIGS[config]).check()
        broken = (PROMISED | {'7'}) & found.keys()
        if broken or not whole:
            wrong.append(f'{PROTOCOL} {config}: breach of {sorted(broken)}, all states seen: {whole}')
    for name, (flags, what) in MUTANTS.items():
        configs = ('same', 'bodies', 'price', 'refill')
        breaks = any(PROMISED & Model(flags, CONFIGS[c]).check(until=PROMISED)[3].keys() for c in configs)
        if breaks == (name in REDUNDANT):
            wrong.append(f'{name} ({what}): {"breach" if breaks else "no breach"}')
    return wrong


def main(argv):
    if argv == ['--check']:
        wrong = check()
        print(*wrong, sep='\n')
        sys.exit(bool(wrong))
    every = {**VARIANTS, **MUTANTS}
    if '--list' in argv:
        for d in (VARIANTS, MUTANTS, CONFIGS, INVARIANTS):
            for k, v in d.items():
                print(f'{k:14} {v if isinstance(v, str) else v[-1]}')
        return
    for name in argv[0].split(',') if argv else every:
        usual = [c for c in CONFIGS if c != 'race4'] if name in VARIANTS else ('same', 'bodies', 'price', 'refill')
        for config in argv[1].split(',') if len(argv) > 1 else usual:
            began = time.time()
            states, steps, rest, found, whole = Model(every[name][0], CONFIGS[config]).check()
            verdict = 'breach ' + ' '.join(f'{k}({len(found[k])})' for k in sorted(found)) if found else 'clean'
            print(f'{name:13} {config:10} {states:9,} states {steps:11,} steps {rest:8,} at rest {time.time() - began:6.1f} s  '
                  f'{verdict}{"" if whole else " CAPPED"}', flush=True)
            for k in sorted(found) if len(argv) > 1 else ():
                print(f'  [{k}] {INVARIANTS[k]}', *(f'{n:6} {label}' for n, label in enumerate(found[k], 1)), sep='\n')


if __name__ == '__main__':
    main(sys.argv[1:])
