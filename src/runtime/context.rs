//! What a process knows of itself while it runs: subscriptions, messages that nobody took yet, waits for other processes.
//!
//! It lives in the host data of the interpreter, where the functions of the `process` library find it.
//!
//! 1. A letter is routed once, when it is taken out of the mailbox: notices to `events`, messages to the port that listens to
//!    exactly their topic, else to `rest`, from which the inbox takes. A new port takes what is its own out of `rest`; what
//!    a port that ends still has goes back, in order of arrival (`Queued::number`).
//! 2. A channel gets a value when a receiver waits or its buffer has room (`serve`), or when a receiver asks (`feed`).
//! 3. Letters kept here are on the account of the heap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::alarm::Alarms;
use super::message::{Answer, Exit, Letter, Message, Notice};
use super::node::Node;
use super::peer::Peer;
use super::pid::{EMPTY_PID, PidText};
use super::segments::Segments;
use super::source::Program;
use crate::vm::LuaError;
use crate::vm::channel::Chan;
use crate::vm::error_object::{Details, ErrorObject, kind};
use crate::vm::managed::Ticket;
use crate::vm::native::{Cx, Hold, Tab, Val};
use crate::vm::parcel::{Parcel, Text};

/// Topic of the inbox's channel.
pub const INBOX: &str = "@pid/inbox";
/// Topic of the channel of events.
pub const EVENTS: &str = "@pid/events";

/// Values that children inherit.
pub type Values = Details;

/// See the head of the file.
pub struct Context {
    pub node: Arc<Node>,
    pub me: Arc<Peer>,
    pub program: Arc<Program>,
    pub values: Arc<Values>,
    /// A failed link is an event and not the end.
    pub trap_links: bool,
    /// Wants to hear of newer code.
    pub upgradable: bool,
    /// Whom this process monitors, by number; few processes monitor any.
    watching: Option<Box<HashMap<u64, Arc<Peer>>>>,
    /// Why the process ends without running any more.
    pub doomed: Option<Box<ErrorObject>>,
    /// Code to go on with.
    pub upgrade: Option<Box<Upgrade>>,
    /// What the clock does for this process, once it has asked for something.
    alarms: Option<Box<Alarms>>,
    waits: Vec<(u64, Ticket)>,
    tickets: u64,
    /// Taken out of the mailbox together and not opened, for want of memory.
    letters: Box<[Letter]>,
    /// Letters were taken out of the mailbox, and whoever waits for them does not know yet.
    unserved: bool,
    /// Most processes have none.
    events: Option<Box<Events>>,
    rest: Segments<Queued>,
    ports: Ports,
    arrivals: u64,
    /// Messages sent.
    pub sent: u64,
    /// Most processes send to the same one again and again, or to whom they heard from.
    known: Option<Box<Known>>,
}

/// Notices for the program, with the time of day at which they were sent.
type Events = VecDeque<(Box<Notice>, Duration)>;

/// What `process.upgrade` asks for.
pub struct Upgrade {
    pub program: Vec<u8>,
    pub args: Parcel,
}

struct Queued {
    number: u64,
    message: Message,
}

/// Processes with their PIDs as text, which are not looked up again.
struct Known {
    /// Whom the last message went to.
    to: (PidText, Arc<Peer>),
    /// Whose PID was the last to be taken from a message, if another one.
    from: Option<(PidText, Arc<Peer>)>,
}

/// Whom a message is for.
#[derive(Clone, Copy)]
pub enum Recipient {
    /// Whoever got the last one.
    Last,
    /// The sender of a message.
    Sender,
}

/// A subscription: a topic and the channel that gets its messages.
struct Port {
    topic: Text,
    form: Form,
    channel: Hold,
    /// Of the channel.
    address: usize,
    queue: Segments<Queued>,
}

/// Most processes have one.
type Ports = SmallVec<[Port; 1]>;

/// What a channel gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Inbox,
    Events,
    /// Message objects of one topic.
    Message,
    /// The values of the messages of one topic.
    Raw,
}

/// Why a subscription was refused.
pub enum Subscribed<'gc> {
    /// This is the channel.
    To(Val<'gc>),
    /// The topic has another channel.
    Taken,
}

impl Context {
    /// Of a process that has not run.
    #[must_use]
    pub fn new(node: Arc<Node>, me: Arc<Peer>, program: Arc<Program>, values: Arc<Values>) -> Self {
        Self {
            node,
            me,
            program,
            values,
            trap_links: false,
            upgradable: false,
            watching: None,
            doomed: None,
            upgrade: None,
            alarms: None,
            waits: Vec::new(),
            tickets: 0,
            letters: Box::default(),
            unserved: false,
            events: None,
            rest: Segments::new(),
            ports: SmallVec::new(),
            arrivals: 0,
            sent: 0,
            known: None,
        }
    }

    /// What new code keeps of the old: everything but subscriptions, waits and options. Messages of closed subscriptions wait
    /// again.
    #[must_use]
    pub fn upgraded(mut self, program: Arc<Program>) -> Self {
        for port in std::mem::take(&mut self.ports) {
            self.put_back(port.queue);
        }
        let mut new = Self::new(self.node, self.me, program, self.values);
        new.watching = self.watching;
        new.events = self.events;
        new.rest = self.rest;
        new.arrivals = self.arrivals;
        new.tickets = self.tickets;
        new.sent = self.sent;
        new
    }

    /// Bytes of the letters kept here, which are to be on the heap's account.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        let messages = self.rest.iter().chain(self.ports.iter().flat_map(|port| port.queue.iter()));
        let messages: usize = messages.map(|queued| queued.message.cost()).sum();
        messages + self.events_waiting() * NOTICE_COST
    }

    /// Whether letters wait that nobody has taken.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.rest.len()
            + self.events_waiting()
            + self.ports.iter().map(|port| port.queue.len()).sum::<usize>()
    }

    fn events_waiting(&self) -> usize {
        self.events.as_ref().map_or(0, |events| events.len())
    }

    /// The topic that the channel at this address is subscribed to.
    #[must_use]
    pub fn topic_of(&self, address: usize) -> Option<&[u8]> {
        self.ports.iter().find(|port| port.address == address).map(|port| port.topic.bytes())
    }

    /// Whether the channel at this address gets something from the clock.
    #[must_use]
    pub fn is_timed(&self, cx: &Cx<'_>, address: usize) -> bool {
        self.alarms.as_ref().is_some_and(|alarms| alarms.concern(cx, address))
    }

    /// What the clock does for this process.
    pub fn alarms(&mut self) -> &mut Alarms {
        let new = || Box::new(Alarms::new(self.node.env.clone(), self.me.clone()));
        self.alarms.get_or_insert_with(new)
    }

    /// Whether the clock will do something for this process.
    #[must_use]
    pub fn waits_for_clock(&self) -> bool {
        self.alarms.as_ref().is_some_and(|alarms| !alarms.is_empty())
    }

    /// This process monitors another.
    pub fn watches(&mut self, peer: &Arc<Peer>) {
        self.watching.get_or_insert_default().insert(peer.pid.number, peer.clone());
    }

    /// This process monitors another no longer.
    pub fn watches_no_more(&mut self, peer: &Peer) {
        if let Some(watching) = &mut self.watching {
            watching.remove(&peer.pid.number);
        }
    }

    // ---- sending ----

    /// Whom a message with this PID in its usual form is for. That process may have ended.
    #[inline]
    pub fn recipient(&mut self, destination: &[u8]) -> Option<Recipient> {
        match &self.known {
            Some(known) if known.to.0.as_slice() == destination => Some(Recipient::Last),
            Some(known) if known.from.as_ref().is_some_and(|from| from.0.as_slice() == destination) => {
                Some(Recipient::Sender)
            }
            _ => self.find_recipient(destination),
        }
    }

    #[inline(never)]
    fn find_recipient(&mut self, destination: &[u8]) -> Option<Recipient> {
        let peer = self.node.find_usual(destination)?;
        let to = (PidText::from_slice(destination), peer);
        match &mut self.known {
            Some(known) => known.to = to,
            None => self.known = Some(Box::new(Known { to, from: None })),
        }
        Some(Recipient::Last)
    }

    /// The process that [`Context::recipient`] has just found.
    #[inline]
    #[must_use]
    pub fn peer(&self, recipient: Recipient) -> Option<&Arc<Peer>> {
        let known = self.known.as_ref()?;
        match recipient {
            Recipient::Last => Some(&known.to.1),
            Recipient::Sender => known.from.as_ref().map(|from| &from.1),
        }
    }

    /// The program asked who sent a message: the answer may be next.
    pub fn asked_for(&mut self, text: &[u8], sender: &Arc<Peer>) {
        let entry = || (PidText::from_slice(text), sender.clone());
        match &mut self.known {
            Some(known) if known.to.0.as_slice() == text => {}
            Some(known) if known.from.as_ref().is_some_and(|from| from.0.as_slice() == text) => {}
            Some(known) => known.from = Some(entry()),
            None => self.known = Some(Box::new(Known { to: entry(), from: None })),
        }
    }

    // ---- waits ----

    /// A number for something that the process will be told of.
    pub fn next_ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// The coroutine with this ticket waits for the answer with that number.
    pub fn wait_for(&mut self, number: u64, ticket: Ticket) {
        self.waits.push((number, ticket));
    }

    // ---- receiving ----

    /// Whether letters that were taken out of the mailbox already have consequences.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.doomed.is_some() || self.unserved || !self.letters.is_empty()
    }

    /// Takes everything out of the mailbox, and gives it to those who wait for it.
    ///
    /// # Errors
    /// Memory.
    pub fn receive(&mut self, cx: &mut Cx<'_>) -> Result<(), LuaError> {
        // Most letters come alone.
        if self.me.mailbox.len() == 1 && self.letters.is_empty() {
            match self.me.take_letter() {
                Some(Letter::Message(message)) => self.route(cx, message, true)?,
                Some(letter) => {
                    cx.vm_mut().heap.add_external(letter.cost());
                    self.open_letter(cx, letter)?;
                }
                None => {}
            }
        } else {
            self.take_in(cx)?;
        }
        if self.unserved && self.doomed.is_none() { self.serve(cx) } else { Ok(()) }
    }

    /// Takes everything out of the mailbox and routes it. Whoever waits for it gets it from [`Context::serve`].
    ///
    /// # Errors
    /// Memory, for the values of answers.
    fn take_in(&mut self, cx: &mut Cx<'_>) -> Result<(), LuaError> {
        if self.me.mailbox.is_empty() && self.letters.is_empty() {
            return Ok(());
        }
        let mut letters = VecDeque::from(std::mem::take(&mut self.letters).into_vec());
        let bytes = self.me.take_letters(&mut letters);
        cx.vm_mut().heap.add_external(bytes);
        let mut done = Ok(());
        while done.is_ok()
            && let Some(letter) = letters.pop_front()
        {
            done = self.open_letter(cx, letter);
        }
        self.letters = Vec::from(letters).into_boxed_slice();
        done
    }

    fn open_letter(&mut self, cx: &mut Cx<'_>, letter: Letter) -> Result<(), LuaError> {
        self.unserved = true;
        match letter {
            Letter::Message(message) => {
                cx.vm_mut().heap.sub_external(message.cost());
                self.route(cx, message, false)
            }
            Letter::Notice(notice, at) => self.take_notice(cx, notice, at),
            Letter::Alarm(number) => {
                cx.vm_mut().heap.sub_external(size_of::<Letter>());
                self.alarms().expired(cx, number)
            }
        }
    }

    /// Puts a message where it belongs. `at_once`: into its channel, if nothing waits there before it and somebody or some room
    /// waits for it.
    fn route(&mut self, cx: &mut Cx<'_>, message: Message, at_once: bool) -> Result<(), LuaError> {
        self.arrivals += 1;
        let by_topic = self
            .ports
            .iter()
            .position(|port| matches!(port.form, Form::Message | Form::Raw) && port.topic == message.topic);
        if by_topic.is_none() && message.topic.bytes().starts_with(b"@") {
            return Ok(());
        }
        let mut message = Some(message);
        let at = by_topic.or_else(|| self.ports.iter().position(|port| port.form == Form::Inbox));
        if let Some(at) = at {
            let port = &self.ports[at];
            let ch = cx.held(port.channel).as_channel();
            if by_topic.is_some() && ch.is_none_or(Chan::is_closed) {
                // The program closed the channel: that ends the subscription, and this message is dropped.
                let port = self.ports.remove(at);
                cx.let_go(port.channel);
                self.put_back(port.queue);
                self.unserved = true;
                return Ok(());
            }
            let before = if by_topic.is_some() { &port.queue } else { &self.rest };
            if let Some(ch) = ch
                && at_once
                && before.is_empty()
            {
                let form = port.form;
                ch.offer(cx, |cx| message.take().map_or(Ok(Val::NIL), |message| value(cx, form, message)))?;
            }
        }
        if let Some(message) = message {
            self.unserved = true;
            cx.vm_mut().heap.add_external(message.cost());
            let queue = by_topic.map_or(&mut self.rest, |at| &mut self.ports[at].queue);
            queue.push_back(Queued { number: self.arrivals, message });
        }
        Ok(())
    }

    /// Messages of a port that ends go back to where they came from.
    fn put_back(&mut self, queue: Segments<Queued>) {
        if queue.is_empty() {
            return;
        }
        let mut all: Vec<_> = std::mem::take(&mut self.rest).chain(queue).collect();
        all.sort_by_key(|queued| queued.number);
        self.rest.extend(all);
    }

    fn take_notice(&mut self, cx: &mut Cx<'_>, notice: Box<Notice>, at: Duration) -> Result<(), LuaError> {
        match &*notice {
            Notice::LinkDown { from, .. } => {
                if !self.me.forget_link(from) {
                    // Unlinked meanwhile.
                } else if self.trap_links {
                    self.events.get_or_insert_default().push_back((notice, at));
                    return Ok(());
                } else if self.doomed.is_none() {
                    self.doomed =
                        Some(Box::new(ErrorObject::new("linked process failed").with_kind(kind::INTERNAL)));
                }
            }
            Notice::Exit { from, .. } => {
                self.watches_no_more(from);
                self.events.get_or_insert_default().push_back((notice, at));
                return Ok(());
            }
            Notice::Cancel { .. } => {
                self.events.get_or_insert_default().push_back((notice, at));
                return Ok(());
            }
            Notice::Answer { ticket, answer } => self.answer(cx, *ticket, answer)?,
        }
        cx.vm_mut().heap.sub_external(NOTICE_COST);
        Ok(())
    }

    fn answer(&mut self, cx: &mut Cx<'_>, number: u64, answer: &Answer) -> Result<(), LuaError> {
        let Some(at) = self.waits.iter().position(|wait| wait.0 == number) else { return Ok(()) };
        let (_, ticket) = self.waits.swap_remove(at);
        let values = match answer {
            // The function that waits knows what it has started.
            Answer::Started => {
                cx.reenter(ticket, &[])?;
                return Ok(());
            }
            Answer::NotStarted(error) => [Val::NIL, cx.new_error(error.carried())?],
            Answer::Ended(exit) => match &**exit {
                Exit::Normal(parcel) => [parcel.first(cx)?, Val::NIL],
                Exit::Failed(error) => [Val::NIL, cx.new_error(error.failure())?],
            },
        };
        cx.complete(ticket, &values)?;
        Ok(())
    }

    // ---- ports ----

    /// The channel of a topic, made if there is none. `whole` asks for message objects instead of values.
    ///
    /// # Errors
    /// Memory.
    pub fn listen<'gc>(&mut self, cx: &mut Cx<'gc>, topic: Text, whole: bool) -> Result<Val<'gc>, LuaError> {
        if let Some(port) = self.ports.iter_mut().find(|port| port.topic == topic) {
            if whole && port.form == Form::Raw {
                port.form = Form::Message;
            }
            return Ok(cx.held(port.channel));
        }
        let capacity = usize::from(!topic.bytes().starts_with(b"@"));
        let ch = cx.new_channel(capacity)?;
        let form = if whole { Form::Message } else { Form::Raw };
        self.open(cx, topic, form, ch)?;
        Ok(ch.into())
    }

    /// The channel of the inbox, once the program has asked for it.
    #[must_use]
    pub fn inbox(&self) -> Option<Hold> {
        self.ports.iter().find(|port| port.form == Form::Inbox).map(|port| port.channel)
    }

    /// Gives the messages of a topic to a channel.
    ///
    /// # Errors
    /// Memory.
    pub fn subscribe<'gc>(
        &mut self,
        cx: &mut Cx<'gc>,
        topic: Text,
        ch: Chan<'gc>,
    ) -> Result<Subscribed<'gc>, LuaError> {
        match self.ports.iter().find(|port| port.topic == topic) {
            Some(port) if port.address != Val::from(ch).address() => return Ok(Subscribed::Taken),
            Some(_) => {}
            None => self.open(cx, topic, Form::Raw, ch)?,
        }
        Ok(Subscribed::To(ch.into()))
    }

    fn open<'gc>(
        &mut self,
        cx: &mut Cx<'gc>,
        topic: Text,
        form: Form,
        ch: Chan<'gc>,
    ) -> Result<(), LuaError> {
        let form = match topic.bytes() {
            t if t == INBOX.as_bytes() => Form::Inbox,
            t if t == EVENTS.as_bytes() => Form::Events,
            _ => form,
        };
        if form == Form::Events {
            self.me.listens_to_events();
        }
        let channel = cx.hold(ch.into())?;
        ch.set_fed(true);
        let mut port =
            Port { topic, form, channel, address: Val::from(ch).address(), queue: Segments::new() };
        if matches!(form, Form::Message | Form::Raw) {
            let (own, rest) = std::mem::take(&mut self.rest).partition(|q| q.message.topic == port.topic);
            port.queue = own;
            self.rest = rest;
        }
        self.ports.push(port);
        self.take_in(cx)?;
        self.serve(cx)
    }

    /// Ends the subscriptions of a channel and closes it. False if there are none.
    ///
    /// # Errors
    /// Memory.
    pub fn unlisten(&mut self, cx: &mut Cx<'_>, ch: Chan<'_>) -> Result<bool, LuaError> {
        let (gone, left): (Ports, Ports) = std::mem::take(&mut self.ports)
            .into_iter()
            .partition(|port| port.address == Val::from(ch).address());
        self.ports = left;
        let mut live = false;
        for port in gone {
            let channel = cx.held(port.channel);
            cx.let_go(port.channel);
            self.put_back(port.queue);
            if let Some(ch) = channel.as_channel() {
                live |= !ch.is_closed();
                ch.close(cx)?;
            }
        }
        // Somebody may wait for the messages that went back.
        self.serve(cx)?;
        Ok(live)
    }

    /// Gives waiting letters to the channels that can take them now.
    ///
    /// # Errors
    /// Memory.
    pub fn serve(&mut self, cx: &mut Cx<'_>) -> Result<(), LuaError> {
        for at in 0..self.ports.len() {
            while self.head(at).is_some() {
                let Some(ch) = cx.held(self.ports[at].channel).as_channel() else { break };
                if !ch.offer(cx, |cx| self.take(cx, at))? {
                    break;
                }
            }
        }
        self.unserved = false;
        Ok(())
    }

    /// Number of the first letter for a port.
    fn head(&self, at: usize) -> Option<u64> {
        let port = &self.ports[at];
        match port.form {
            Form::Events => self.events.as_ref()?.front().map(|_| 0),
            Form::Inbox => self.rest.front().map(|queued| queued.number),
            Form::Message | Form::Raw => port.queue.front().map(|queued| queued.number),
        }
    }

    /// True if there is no mail for a channel.
    #[must_use]
    pub fn has_nothing(&self, ch: Chan<'_>) -> bool {
        let address = Val::from(ch).address();
        self.me.mailbox.is_empty()
            && self.letters.is_empty()
            && (0..self.ports.len()).all(|at| self.ports[at].address != address || self.head(at).is_none())
    }

    /// The next value for a channel that somebody receives from.
    ///
    /// # Errors
    /// Memory; the letter stays then.
    pub fn feed<'gc>(&mut self, cx: &mut Cx<'gc>, ch: Chan<'gc>) -> Result<Option<Val<'gc>>, LuaError> {
        self.take_in(cx)?;
        let own = (0..self.ports.len()).filter(|&at| self.ports[at].address == Val::from(ch).address());
        let first = own.filter_map(|at| Some((self.head(at)?, at))).min();
        first.map(|(_, at)| self.take(cx, at)).transpose()
    }

    /// The first letter of a port as a value.
    fn take<'gc>(&mut self, cx: &mut Cx<'gc>, at: usize) -> Result<Val<'gc>, LuaError> {
        let form = self.ports[at].form;
        if form == Form::Events {
            let Some(events) = &mut self.events else { return Ok(Val::NIL) };
            let Some((notice, time)) = events.front() else { return Ok(Val::NIL) };
            let event = event(cx, notice, *time)?;
            events.pop_front();
            cx.vm_mut().heap.sub_external(NOTICE_COST);
            return Ok(event.into());
        }
        let queue = if form == Form::Inbox { &mut self.rest } else { &mut self.ports[at].queue };
        if form == Form::Raw {
            let Some(queued) = queue.front() else { return Ok(Val::NIL) };
            let v = raw_value(cx, &queued.message.payload)?;
            if let Some(queued) = queue.pop_front() {
                cx.vm_mut().heap.sub_external(queued.message.cost());
            }
            return Ok(v);
        }
        let Some(queued) = queue.pop_front() else { return Ok(Val::NIL) };
        cx.vm_mut().heap.sub_external(queued.message.cost());
        value(cx, form, queued.message)
    }

    // ---- the end ----

    /// Tells others that this process does not watch them any more.
    pub fn stop_watching(&self) {
        for peer in self.watching.iter().flat_map(|watching| watching.values()) {
            peer.remove_monitor(&self.me);
        }
    }
}

/// What a channel gets for a message, which is on nobody's account.
fn value<'gc>(cx: &mut Cx<'gc>, form: Form, message: Message) -> Result<Val<'gc>, LuaError> {
    if form == Form::Raw {
        return raw_value(cx, &message.payload);
    }
    let cost = message.cost();
    super::library::message::object(cx, message, cost)
}

const NOTICE_COST: usize = size_of::<Letter>() + size_of::<Notice>();

/// What a listener gets that did not ask for message objects: nothing, the value, or an array of the values.
fn raw_value<'gc>(cx: &mut Cx<'gc>, parcel: &Parcel) -> Result<Val<'gc>, LuaError> {
    if parcel.len() < 2 {
        return parcel.first(cx);
    }
    let array = cx.table(parcel.len(), 0)?;
    let mut i = 0;
    parcel.unpack(cx, |cx, v| {
        i += 1;
        array.set_int(cx, i, v)
    })?;
    Ok(array.into())
}

/// Names of the kinds of events.
pub mod event_kind {
    pub const CANCEL: &str = "pid.cancel";
    pub const EXIT: &str = "pid.exit";
    pub const LINK_DOWN: &str = "pid.link.down";
    pub const OUTDATED: &str = "pid.outdated";
}

/// A notice as the table that programs get.
fn event<'gc>(cx: &mut Cx<'gc>, notice: &Notice, at: Duration) -> Result<Tab<'gc>, LuaError> {
    let t = cx.table(0, 4)?;
    t.set_name(cx, "at", Val::float(at.as_secs_f64()))?;
    let (kind, from, exit) = match notice {
        Notice::Cancel { from, reason } => {
            let reason = reason.to_value(cx)?;
            t.set_name(cx, "reason", reason)?;
            (event_kind::CANCEL, from.as_ref(), None)
        }
        Notice::Exit { from, exit } => (event_kind::EXIT, Some(from), Some(exit)),
        Notice::LinkDown { from, exit } => (event_kind::LINK_DOWN, Some(from), Some(exit)),
        Notice::Answer { .. } => unreachable!("answers are for waits and never queued as events"),
    };
    let kind = cx.name(kind);
    t.set_name(cx, "kind", kind)?;
    let from = match from {
        Some(peer) => cx.string(&peer.pid.text())?,
        None => cx.name(EMPTY_PID),
    };
    t.set_name(cx, "from", from)?;
    if let Some(exit) = exit {
        let result = cx.table(0, 2)?;
        match &**exit {
            Exit::Normal(parcel) => {
                let v = parcel.first(cx)?;
                result.set_name(cx, "value", v)?;
            }
            Exit::Failed(error) => {
                let error = cx.new_error(error.failure())?;
                result.set_name(cx, "error", error)?;
            }
        }
        t.set_name(cx, "result", result.into())?;
    }
    Ok(t)
}
