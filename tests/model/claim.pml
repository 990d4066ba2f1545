/* SPDX-License-Identifier: MIT */
/*
 * The claim protocol of one client's entry in once/, for spin, as it is in
 * boot/decision.c, claim.c, once_lock.c, grace.c and cgi/redirect.c. tests/model/run
 * explores all of it, and shows that it rejects the variants that are broken
 * on purpose by further macros.
 *
 * Each step of a request is one system call, or what follows from one. A link
 * is known by the number of its arming, which the programs can't see: they
 * see its text. A server is what a crash stops: all its requests, at whatever
 * step, and its lock is given up. once/.claimed and once/.served are there
 * (once_parts_make_locked). Not modelled: a full disk, links that can't be read, the
 * two steps that stand for RENAME_NOREPLACE on NFS, a removed once/.lock, and
 * a delivery that is reported as broken but was none.
 *
 * Two identities of one machine with a name need no more than is here: each looks
 * up the same entry, once/<name>, so they are two requests for one link.
 *
 * Which of two claims is the later one the programs see by the links' times,
 * here it is the number.
 *
 * Known, and no property here: a link that goes back after another was armed
 * and cancelled is armed, although it is the older one; so it is when the lock
 * can't be had for that; and claim_served() looks at what it replaces in a
 * call of its own, so of two links that are settled in the same instant the
 * older may be the last in .served.
 *
 * GRACE: PXESRV_ONCE_GRACE, which may be over whenever a request asks for it.
 * CLUSTER: two machines, whose renames look up and move in two steps.
 * REMEMBERS: two machines on a network's file system. The kernel of each remembers
 * which link a name led to, and may go on to read that one, for as long as it
 * likes. A rename goes by the name, so it moves what is there now; but the kernel
 * then takes that for the link that it remembers. Of two names that it takes for
 * one link, a rename onto the other does nothing.
 * Bounds: REQUESTS, in two servers; ARMINGS by the operator, the first before
 * all else; CANCELS; FLIPS, by which a target breaks or is mended; CRASHES.
 */
#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef ARMINGS
#define ARMINGS 2
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef FLIPS
#define FLIPS 0
#endif
#ifndef CRASHES
#define CRASHES 1
#endif

/* What must hold. -DONLY=TWICE checks one of them alone. */
#define PLACE 1 /* each link is at one place, and only the operator's moves
		   and a later link in .served end it */
#define TWICE 2 /* a link is claimed and answered at most once */
#define REARMED 3 /* no link is armed that was answered, by a grace or not */
#define TEXT 4 /* what is answered is the text of the link that was moved */
#define UNANSWERED 5 /* what lies in .served was answered, or overtaken */
#define MISSED 6 /* where nothing failed, the answer was given */
#define LEFT 7 /* what stays in .claimed was left by a crash, or overtaken */
#define STALE 8 /* no link is armed again when a later one is answered */
#ifdef ONLY
#define holds(name, what) assert(name != ONLY || (what))
#else
#define holds(name, what) assert(what)
#endif

/* The tree. 0: there is nothing. */
byte once;
byte claimed[REQUESTS]; /* each request has a name of its own */
byte served;
byte lock;

bit text[ARMINGS + 1]; /* of each link: two armings may have the same */
bool good[2] = true; /* for each text: whether its target can be opened */

#ifdef REMEMBERS
byte remembered[2]; /* by each machine: the link at the name once; 0: unknown */
byte believed[REQUESTS]; /* the link that a claim is taken for */
#define forget(machine) remembered[machine] = 0
#define learn(machine) remembered[machine] = once
#define looks_like remembered[me % 2]
#define taken_for(claim) believed[claim]
#else
#define forget(machine) skip
#define learn(machine) skip
#define looks_like once
#define taken_for(claim) claimed[claim]
#endif

bool dead[2];
byte ended;

/* For the properties alone: no step of a program reads these. */
byte armings;
bool over[ARMINGS + 1]; /* replaced, cancelled, or replaced in .served */
bool withdrawn[ARMINGS + 1]; /* by the operator */
byte answers[ARMINGS + 1]; /* after a claim, and delivered */
bool overtaken[ARMINGS + 1]; /* found another in its place on its way back */
byte newest; /* that was answered */
bool unlocked; /* a link went back without the lock */
bool trouble; /* something failed, be it a hang-up */

#if REQUESTS == 3
#define claims(link) \
	((claimed[0] == link) + (claimed[1] == link) + (claimed[2] == link))
#else
#define claims(link) ((claimed[0] == link) + (claimed[1] == link))
#endif
#define places(link) ((once == link) + claims(link) + (served == link))

inline check_places()
{
	holds(PLACE, places(1) + over[1] == 1);
	holds(PLACE, armings < 2 || places(2) + over[2] == 1);
#if ARMINGS == 3
	holds(PLACE, armings < 3 || places(3) + over[3] == 1);
#endif
}

#ifdef GRACE
byte later[ARMINGS + 1]; /* the order of the links' times of change */
bool granted[ARMINGS + 1]; /* settled, for an answer by a grace */
bool repeated[ARMINGS + 1]; /* and delivered */

/* Where a grace finds a link, if it is no request's claim. */
#define NOWHERE REQUESTS
#define SERVED (REQUESTS + 1)

inline touch(link)
{
	for (i : 1 .. ARMINGS) {
		if
		:: later[i] > later[link] -> later[i]--
		:: else
		fi
	}
	later[link] = ARMINGS;
	i = 0
}
#define answered(link) (answers[link] > 0 || repeated[link])
#define is_granted(link) (granted[link])
#else
#define touch(link) skip
#define answered(link) (answers[link] > 0)
#define is_granted(link) false
#endif

#if defined(CLUSTER)
#define MOVES (mine != 0)
#elif defined(READ_AND_UNLINK)
#define MOVES (mine != 0 && once != 0)
#else
#define MOVES (once != 0)
#endif
#ifdef PUT_BACK_OVERWRITES
#define GAP true
#else
#define GAP (once == 0)
#endif

/* ln -s, ln -sfn, mv -T: a rename that may replace. */
inline arm(which)
{
	armings++;
	over[once] = once != 0;
	withdrawn[once] = once != 0;
	once = armings;
	text[once] = which;
	touch(once);
	check_places()
}

inline cancel()
{
	over[once] = true;
	withdrawn[once] = true;
	once = 0;
	check_places()
}

/*
 * claim_served(): a rename that replaces what is older, else the claim is
 * removed. ENOENT: somebody was faster.
 */
inline to_served(from)
{
	if
#ifdef REMEMBERS
	:: claimed[from] != 0 && served == believed[from] ->
		over[claimed[from]] = true;
		claimed[from] = 0
#endif
	:: claimed[from] != 0 && served > claimed[from] ->
		over[claimed[from]] = true;
		claimed[from] = 0;
		check_places()
	:: claimed[from] != 0 && served <= claimed[from] &&
		served != taken_for(from) ->
		holds(UNANSWERED, answered(claimed[from]) ||
			is_granted(claimed[from]) ||
			overtaken[claimed[from]]);
		over[served] = served != 0;
		served = claimed[from];
		claimed[from] = 0;
		check_places()
	:: else
	fi
}

#ifdef NO_LOOK_FOR_LATER
#define is_late(link) false
#elif REQUESTS == 3
#define is_late(link) \
	(served > link || claimed[0] > link || claimed[1] > link || \
		claimed[2] > link)
#else
#define is_late(link) (served > link || claimed[0] > link || claimed[1] > link)
#endif

/*
 * claim_put_back(): without replacing, and under the lock, so that no claim
 * comes between is_claimed_again() and the move. Where another was armed, the
 * claim goes to .served by retire_claim(). ENOENT: a grace was faster.
 */
inline put_claim_back()
{
	atomic {
		if
		:: lock == 0 -> skip
		:: lock != 0 -> trouble = true; unlocked = true
		fi;
		if
		:: claimed[me] != 0 && (GAP) && !is_late(claimed[me]) ->
			once = claimed[me];
			claimed[me] = 0;
			learn(me % 2);
			holds(REARMED, !answered(once));
			holds(STALE, once >= newest || unlocked);
			check_places()
		:: claimed[me] != 0 && (!(GAP) || is_late(claimed[me])) ->
			overtaken[claimed[me]] = true
		:: claimed[me] == 0
		fi
	};
	d_step {
		if
		:: claimed[me] != 0 && served < claimed[me] -> to_served(me)
		:: else
		fi
	}
}

proctype operator()
{
	byte i, cancels, flips;

	do
	:: d_step { armings < ARMINGS -> arm(0) }
	:: d_step { armings < ARMINGS -> arm(1) }
	:: d_step { cancels < CANCELS && once != 0 -> cancel(); cancels++ }
#ifdef REMEMBERS
	/* On either machine; it, HEAD and list leave the name known there. */
	:: d_step { remembered[0] != once -> learn(0) }
	:: d_step { remembered[1] != once -> learn(1) }
#endif
	:: d_step { flips < FLIPS -> good[0] = !good[0]; flips++; trouble = true }
	:: d_step { flips < FLIPS -> good[1] = !good[1]; flips++; trouble = true }
	:: break
	od;
	ended++
}

/* The lock of a process that dies is given up; its links stay. */
inline crash(server)
{
	dead[server] = true;
	trouble = true;
	if
	:: lock != 0 && (lock - 1) % 2 == server -> lock = 0
	:: else
	fi;
#ifdef REARM_AFTER_CRASH
	for (i : 0 .. REQUESTS - 1) {
		if
		:: i % 2 == server && claimed[i] != 0 && once == 0 ->
			once = claimed[i];
			claimed[i] = 0;
			holds(REARMED, !answered(once))
		:: else
		fi
	}
	i = 0;
#endif
	skip
}

proctype crashes()
{
	byte i, n;

	do
	:: d_step { n < CRASHES && !dead[0] -> crash(0); n++ }
	:: d_step { n < CRASHES && !dead[1] -> crash(1); n++ }
	:: break
	od;
	ended++
}

proctype request(byte me)
{
	byte i;
	bit seen; /* boot.text, whose target is open */
	byte from;
	byte mine; /* for the properties: the link that was moved */

	{
	skip;
look:
	/* decision_make(), read_entry(). */
	atomic {
#ifdef REMEMBERS
		if
		:: looks_like == 0 -> learn(me % 2)
		:: looks_like != 0
		fi;
#endif
		if
		:: looks_like != 0 ->
			seen = text[looks_like]
#ifdef ANSWER_BEFORE_CLAIM
			; mine = once
#endif
		:: else -> goto no_entry
		fi
	};
	/* open_entry_target(). A broken one is refused, and stays. */
	atomic {
		if
		:: good[seen]
		:: else -> goto done
		fi
	};
#ifdef ANSWER_BEFORE_CLAIM
	atomic { answers[mine]++; holds(TWICE, answers[mine] == 1) };
#endif
	/* answer_once(): is_gone. once_lock(), or 503 after two seconds. */
	atomic {
		if
		:: trouble = true; goto done
#ifdef NO_LOCK
		:: true
#else
		:: lock == 0 -> lock = me + 1
		:: lock != 0 -> trouble = true; goto done
#endif
		fi
	};
	/* claim_locked(): the text is compared, then the link moves. */
#ifndef NO_COMPARE
	atomic {
#ifndef STALE_COMPARE
		learn(me % 2);
#endif
		if
		:: looks_like != 0 && text[looks_like] == seen
		:: else -> lock = 0; goto look
		fi
	};
#endif
#ifdef GRACE
	/* stamp_claim_time(). */
	d_step {
		if
		:: once != 0 -> touch(once)
		:: else
		fi
	};
#endif
#if defined(CLUSTER) || defined(READ_AND_UNLINK)
	mine = once; /* what will be moved, be it there by then or not */
#endif
	atomic {
		if
		:: MOVES ->
#if !defined(CLUSTER) && !defined(READ_AND_UNLINK)
			mine = once;
#endif
			claimed[me] = mine;
#ifdef REMEMBERS
			believed[me] =
				(looks_like != 0 -> looks_like : mine);
#endif
			once = 0;
			forget(me % 2);
			check_places()
		:: else -> lock = 0; mine = 0; forget(me % 2); goto look
		fi
	};
	lock = 0;
	/* claim_take() reads the link again: it may have been replaced. */
#ifdef NO_REREAD
	goto answer;
#endif
	atomic {
#if defined(REMEMBERS) && !defined(STALE_REREAD)
		believed[me] = claimed[me];
#endif
		if
		:: claimed[me] == 0 -> mine = 0; goto look
		:: claimed[me] != 0 && text[taken_for(me)] == seen ->
			goto answer
		:: else -> seen = text[taken_for(me)]
		fi
	};
	/* decide_anew(): another text. A broken one goes back. */
	atomic {
		if
		:: good[seen] -> goto answer
		:: else
		fi
	};
	put_claim_back();
	mine = 0;
	goto look;

answer:
	/* answer_claimed(): is_gone, then send_boot_file(). */
	atomic {
		if
		:: true ->
#ifndef ANSWER_BEFORE_CLAIM
			answers[mine]++;
#endif
			holds(TEXT, seen == text[mine]);
			holds(TWICE, answers[mine] == 1);
			holds(REARMED, once != mine);
			newest = (newest > mine -> newest : mine);
			holds(STALE, once == 0 || once >= newest || unlocked)
		:: trouble = true; goto put_back
		fi
	};
	/* redirect_settle(). */
#ifndef STAYS_CLAIMED
	d_step { to_served(me) };
#endif
	goto done;

put_back:
#ifdef NO_PUT_BACK
	atomic { to_served(me) };
	goto done;
#endif
	put_claim_back();
	goto done;

no_entry:
#ifdef GRACE
	/* grace_recent(): the newest, if it is not too old by now. */
	atomic {
		from = NOWHERE;
		for (i : 0 .. REQUESTS - 1) {
			if
			:: claimed[i] != 0 && (from == NOWHERE ||
				later[claimed[i]] > later[claimed[from]]) ->
				from = i
			:: else
			fi
		}
		i = 0;
		if
		:: served != 0 && (from == NOWHERE ||
			later[served] > later[claimed[from]]) ->
			from = SERVED
		:: else
		fi;
		if
		:: from == NOWHERE -> goto done
		:: from = NOWHERE; goto done
		:: from != NOWHERE
		fi
	};
	/* Its text is read; find_recent() again, if it has moved on. */
	atomic {
		if
		:: from == SERVED -> mine = served
		:: from != SERVED && claimed[from] != 0 -> mine = claimed[from]
		:: else -> goto no_entry
		fi;
		seen = text[mine];
	};
	atomic {
		if
		:: good[seen]
		:: else -> goto done
		fi
	};
#if !defined(NO_SETTLE) && !defined(SETTLE_LATE)
	/* grace_retire_claim(): no claim under way may come back once this is out. */
	if
	:: from != SERVED -> atomic {
		if
		:: claimed[from] != mine -> mine = 0; goto look
		:: else -> granted[mine] = true; d_step { to_served(from) }
		fi
		}
	:: else
	fi;
#endif
	/* answer_unclaimed(). */
	atomic {
		if
		:: repeated[mine] = true;
			holds(TEXT, seen == text[mine]);
			holds(REARMED, once != mine)
		:: trouble = true; goto done
		fi
	};
#ifdef SETTLE_LATE
	/* What settles all claims of the client settles those of others. */
	from = 0;
	do
	:: d_step { from < REQUESTS -> to_served(from); from++ }
	:: else -> break
	od
#endif
#endif
	/* static/ or default, or it is over. */
	skip;
done:
	skip
	} unless { dead[me % 2] };
	ended++
}

init {
	byte i;

	atomic {
		arm(0);
		run operator();
		run crashes();
		for (i : 0 .. REQUESTS - 1) {
			run request(i)
		}
	}
	ended == REQUESTS + 2;
	d_step {
		holds(MISSED, trouble || withdrawn[1] || answered(1));
		for (i : 0 .. REQUESTS - 1) {
			holds(LEFT, claimed[i] == 0 || dead[i % 2] ||
				overtaken[claimed[i]])
		}
	}
}
