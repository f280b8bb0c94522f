//! The ports of a store. Fixed ports are for interactive use, free ports for any number of stores
//! at once.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, TcpListener},
};

use anyhow::{Result, bail};
use topology::Service;

use crate::part::Part;

/// How the ports of a store are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// The same at every start.
    Fixed,
    /// Any that are free and that no other store uses.
    Free,
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Socket {
    Postgres,
    Kafka,
    KafkaController,
    Smtp,
    MailboxWeb,
    Requests(Part),
    Admin(Part),
}

impl Socket {
    /// Returns the sockets of a part.
    fn of(part: Part) -> Vec<Self> {
        match part {
            Part::Postgres => vec![Self::Postgres],
            Part::Kafka => vec![Self::Kafka, Self::KafkaController],
            Part::Mailbox => vec![Self::Smtp, Self::MailboxWeb],
            Part::Service(_) | Part::Replica(_) => vec![Self::Requests(part), Self::Admin(part)],
        }
    }

    fn fixed(self) -> u16 {
        /// Between the ports of a service and of its replica.
        const REPLICA_OFFSET: u16 = 50;
        let of = |part: Part, port: fn(Service) -> u16| match part {
            Part::Replica(service) => port(service) + REPLICA_OFFSET,
            other => other.service().map_or(0, port),
        };
        match self {
            Self::Postgres => 15432,
            Self::Kafka => 19092,
            Self::KafkaController => 19093,
            Self::Smtp => 1025,
            Self::MailboxWeb => 1080,
            Self::Requests(part) => of(part, Service::port),
            Self::Admin(part) => of(part, Service::admin_port),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres => f.write_str("PostgreSQL"),
            Self::Kafka => f.write_str("Kafka"),
            Self::KafkaController => f.write_str("Kafka's controller"),
            Self::Smtp => f.write_str("the mailbox's SMTP"),
            Self::MailboxWeb => f.write_str("the mailbox's page"),
            Self::Requests(part) => part.fmt(f),
            Self::Admin(part) => write!(f, "the admin port of {part}"),
        }
    }
}

/// The ports of one store.
#[derive(Debug)]
pub(crate) struct Assigned {
    ports: BTreeMap<Socket, u16>,
    /// Listens on the first port of a block, so that no other store takes the block.
    _guard: Option<TcpListener>,
}

impl Assigned {
    /// Chooses a port for each socket of `parts`. All are free at this moment.
    pub(crate) fn choose(ports: &Ports, parts: &[Part]) -> Result<Self> {
        let sockets = parts.iter().flat_map(|part| Socket::of(*part));
        match ports {
            Ports::Fixed => {
                let mut fixed = BTreeMap::new();
                for socket in sockets {
                    let port = socket.fixed();
                    if !is_free(port) {
                        bail!(
                            "port {port}, where {socket} would listen, is in use: end what listens \
                             there (`ss -ltnp 'sport = :{port}'` names it) and start again"
                        );
                    }
                    fixed.insert(socket, port);
                }
                Ok(Self { ports: fixed, _guard: None })
            }
            Ports::Free => free_block(&sockets.collect::<Vec<_>>()),
        }
    }

    /// Returns the port of `socket`, if the store has its part.
    pub(crate) fn get(&self, socket: Socket) -> Option<u16> {
        self.ports.get(&socket).copied()
    }
}

/// Blocks of ports end where the ephemeral ports of Linux start.
const BLOCKS_FROM: u16 = 20_000;
const BLOCK_LENGTH: u16 = 40;
const BLOCKS: u16 = (32_768 - BLOCKS_FROM) / BLOCK_LENGTH;

fn free_block(sockets: &[Socket]) -> Result<Assigned> {
    let first: u16 = rand::random_range(0..BLOCKS);
    for block in (0..BLOCKS).map(|n| (first + n) % BLOCKS) {
        let start = BLOCKS_FROM + block * BLOCK_LENGTH;
        let Ok(guard) = TcpListener::bind((Ipv4Addr::LOCALHOST, start)) else { continue };
        let free: Vec<u16> =
            (start + 1..start + BLOCK_LENGTH).filter(|port| is_free(*port)).collect();
        if free.len() >= sockets.len() {
            let ports = sockets.iter().copied().zip(free).collect();
            return Ok(Assigned { ports, _guard: Some(guard) });
        }
    }
    bail!("no {} ports are free from {BLOCKS_FROM} on", sockets.len())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Vec<Part> {
        Part::store().chain(Service::all().map(Part::Replica)).collect()
    }

    #[test]
    fn no_two_sockets_share_a_fixed_port() {
        let sockets: Vec<Socket> = all().into_iter().flat_map(Socket::of).collect();
        let ports: BTreeSet<u16> = sockets.iter().map(|socket| socket.fixed()).collect();
        assert_eq!(ports.len(), sockets.len());
    }

    #[test]
    fn two_stores_share_no_free_port() {
        let choose = || Assigned::choose(&Ports::Free, &all()).expect("enough free ports");
        let (one, other) = (choose(), choose());
        let ports = |store: &Assigned| store.ports.values().copied().collect::<BTreeSet<u16>>();
        assert!(ports(&one).is_disjoint(&ports(&other)));
    }
}
