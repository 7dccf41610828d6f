/*
 * Publish, sleep and wake of the queue, and the wait for room in a full ring: a model for spin.
 *
 * One producer pushes RECORDS entries through a ring of ROOM entries; the consumer takes them, falls
 * asleep when there is none, and is not woken by any timer. What is asked: does every record
 * arrive, whatever the processors do? If a wake-up is lost, both sleep for ever, and spin finds an
 * invalid end state.
 *
 * Memory is x86's: each side has a store buffer, from which its plain stores reach memory in order but
 * at any later time; a locked instruction or a fence waits until its own buffer is empty; membarrier
 * waits until everybody's is. What the consumer stores before it falls asleep is a locked instruction,
 * so its plain store that matters is `tail`.
 *
 * Each switch takes away one thing that the argument rests on. With it spin must find an error:
 *   -DNO_BARRIER    the consumer falls asleep without membarrier, and the producer pays no fence
 *   -DNO_LOOK       the consumer does not look at the ring again once it has said that it sleeps
 *   -DNO_VALUE      the futex does not compare its word before it sleeps
 *   -DNO_ROOM_FENCE the producer does not fence between `waiting` and its look at `tail`
 *   -DNO_GIVE_FENCE the consumer does not fence between `tail` and its look at `waiting`
 * and with this one it must find none:
 *   -DFENCES        no membarrier, but a fence for each record
 */
#ifndef RECORDS
#define RECORDS 4
#endif
#define ROOM 2

/* Memory, as the other side sees it. */
byte head, tail;
bit sleeping, waiting;
/* Who sleeps in the kernel: it compares and sleeps in one step, as a wake finds it so or so. */
bool consumer_sleeps, producer_sleeps;

/* Store buffers: a value that is younger than memory's. Indices only grow: the last one is enough. */
byte head_newest, tail_newest;

/* A store leaves its buffer whenever it likes. */
#define BUFFERED(memory, newest) (memory != newest)

active proctype producer_buffer()
{
end:
    do
    :: atomic { BUFFERED(head, head_newest) -> head++ }
    od
}

active proctype consumer_buffer()
{
end:
    do
    :: atomic { BUFFERED(tail, tail_newest) -> tail++ }
    od
}

#define PRODUCER_FENCE head == head_newest
#define CONSUMER_FENCE tail == tail_newest
#define EVERYBODYS_FENCE (head == head_newest && tail == tail_newest)

/* ---- the producer: weftp_queue_room, wait_for_room, weftp_queue_commit ---- */

byte wanted_wake; /* what its exchange of `sleeping` gave */

/* A locked exchange: its own buffer first. */
inline wake_consumer()
{
    atomic { PRODUCER_FENCE; wanted_wake = sleeping; sleeping = 0 };
    if
    :: wanted_wake == 1 -> consumer_sleeps = false
    :: else
    fi
}

inline sleep_for_room()
{
#ifdef NO_ROOM_FENCE
    waiting_buffered = true;
#else
    atomic { PRODUCER_FENCE; waiting = 1 };
#endif
    if
    :: head_newest - tail < ROOM -> skip
    :: else ->
        /* futex_wait: the kernel's own lock is a fence, and the value is compared under it. */
        atomic {
            PRODUCER_FENCE;
#ifdef NO_ROOM_FENCE
            !waiting_buffered;
#endif
            if
#ifdef NO_VALUE
            :: true -> producer_sleeps = true
#else
            :: waiting == 1 -> producer_sleeps = true
            :: else
#endif
            fi
        };
        !producer_sleeps
    fi;
    waiting = 0
}

#ifdef NO_ROOM_FENCE
bool waiting_buffered;

active proctype waiting_buffer()
{
end:
    do
    :: atomic { waiting_buffered && PRODUCER_FENCE -> waiting = 1; waiting_buffered = false }
    od
}
#endif

active proctype producer()
{
    byte pushed = 0;
    do
    :: pushed == RECORDS -> break
    :: pushed < RECORDS ->
        do
        :: head_newest - tail < ROOM -> break
        :: else ->
            wake_consumer();
            sleep_for_room()
        od;
        head_newest++;
        pushed++;
#ifdef FENCES
        PRODUCER_FENCE;
#endif
        if
        :: sleeping == 1 -> wake_consumer()
        :: sleeping == 0
        fi
    od
}

/* ---- the consumer: release_seat, weftp_take_sleep ---- */

byte taken;

inline give_back()
{
    tail_newest = taken;
#ifndef NO_GIVE_FENCE
    CONSUMER_FENCE;
#endif
    if
    :: waiting == 1 ->
        atomic { CONSUMER_FENCE; waiting = 0 };
        producer_sleeps = false
    :: waiting == 0
    fi
}

inline fall_asleep()
{
    atomic { CONSUMER_FENCE; sleeping = 1 };
#if !defined NO_BARRIER && !defined FENCES
    EVERYBODYS_FENCE;
#endif
    if
#ifndef NO_LOOK
    :: head != taken -> skip
    :: else ->
#else
    :: true ->
#endif
        atomic {
            CONSUMER_FENCE;
            if
#ifdef NO_VALUE
            :: true -> consumer_sleeps = true
#else
            :: sleeping == 1 -> consumer_sleeps = true
            :: else
#endif
            fi
        };
        !consumer_sleeps
    fi;
    atomic { CONSUMER_FENCE; sleeping = 0 }
}

active proctype consumer()
{
    byte seen;
    do
    :: taken == RECORDS -> break
    :: taken < RECORDS ->
        seen = head;
        if
        :: seen != taken ->
            assert(seen - taken <= ROOM);
            taken = seen;
            give_back()
        :: else -> fall_asleep()
        fi
    od
}
