# SPDX-License-Identifier: BSD-2-Clause
#
# SCGI: what an application is sent, what becomes of its answers, applications
# that fail, and the configurations that are refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep);
use Weir::Test;

need_module('http_scgi');

my $type = "Content-Type: text/plain\r\n\r\n";

# What the query says: [bytes, pieces of that size]; undef: silence.
my %answers = (
    pieces => ["HTTP/1.1 404 Not Found\r\nX-A: one\r\n${type}hello", 1],
    nothing => [''],
    cut => ["Status: 200 OK\r\nX-A"],
    garbage => ["just some text\r\n\r\nhello"],
    large => ['X-A: ' . 'a' x 70_000 . "\r\n$type"],
    status => ["Status: 99\r\n$type"],
    early => ["HTTP/1.1 100 Continue\r\n$type"],
    upgrade => ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n"],
    short => ["Content-Length: 10\r\n${type}hello"],
    long => ["Content-Length: 5\r\n${type}hello world"],
    twice => ["Content-Length: 5\r\nContent-Length: 5\r\n${type}hello"],
    silence => [undef],
    stalls => ["${type}hello", 100, 1],
);

sub serve {
    my ($c) = @_;
    my $start = $c->read_until(qr/^\d+:/) // return;
    my ($n) = $start =~ /(\d+)/;
    my $text = $c->read_until(qr/\A.{$n},/s) // return;
    my @list = split /\0/, $text =~ s/\0,\z//r, -1;
    my %params = @list;
    my $length = $list[1];
    my $body = $length ? $c->read_until(qr/\A.{$length}/s) // '' : '';
    my $answer = $answers{ $params{QUERY_STRING} // '' };

    if (!$answer) {
        my $told = '';
        while (my ($name, $value) = splice @list, 0, 2) {
            $told .= "$name=$value\n";
        }
        $c->send("$type${told}body=$body");
        return;
    }
    my ($bytes, $size, $stall) = @$answer;
    $c->send_pieces($bytes, $size // 1 << 20) if defined $bytes;
    sleep 1.5 if !defined $bytes || $stall;
    $c->send($c->read_until(qr/.+/) // '') if $bytes && $bytes =~ / 101 /;
}

my $app = Weir::Backend->tcp(\&serve);
my $up = $app->port;
my $t = Weir::Test->new;
my $local = Weir::Backend->tcp(\&serve, unix => $t->path('app.sock'));

# A value with NULs.
my $nul = is_oracle() ? '' : 'server {
        listen 127.0.0.1:%%PORT_nul%% proxy_protocol;
        location / { scgi_param A $proxy_protocol_tlv_0xee;
                     scgi_pass 127.0.0.1:' . $up . '; }
    }';

$t->run(<<"EOC");
%%HTTP%%
    scgi_read_timeout 500ms;
    scgi_param QUERY_STRING \$query_string;
    upstream group { server 127.0.0.1:$up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { scgi_pass 127.0.0.1:$up; }
        location /unix { scgi_pass unix:%%TESTDIR%%/app.sock; }
        location /var { scgi_pass \$arg_to; }
        location /dead { scgi_pass 127.0.0.1:%%PORT_dead%%; }
        location /whole { scgi_pass 127.0.0.1:$up;
                          scgi_request_buffering off; }
        location /none { scgi_pass 127.0.0.1:$up; scgi_param A 1;
                         scgi_pass_request_body off;
                         scgi_pass_request_headers off; }
        location /stalls { scgi_pass 127.0.0.1:$up; scgi_buffering off; }
    }
    $nul
}
EOC

# ---- requests

my $r = $t->request('POST', '/', body => 'abc', close => 1);
is $r->body, "CONTENT_LENGTH=3\nQUERY_STRING=\nHTTP_HOST=localhost\n"
    . "HTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=3\nbody=abc",
    'parameters, headers and body' if !is_oracle();
like $r->body, qr/^CONTENT_LENGTH=3\nQUERY_STRING=\n.*\nbody=abc$/s,
    'the length comes first';
like $t->get('/unix')->body, qr/^CONTENT_LENGTH=0\n.*\nbody=$/s,
    'no body, over a socket in the file system';
SKIP: {
    skip_before('1.29.6', 'lengths without buffering', 2);
    like $t->request('POST', '/whole', chunks => ['abc', 'de'])->body,
        qr/^CONTENT_LENGTH=5\n.*\nbody=abcde$/s,
        'a body of unknown length is read first';
    like $t->request('POST', '/whole', body => 'x' x 20_000)->body,
        qr/^CONTENT_LENGTH=20000\n.*\nbody=x{20000}$/s,
        'passed on as it comes';
}
SKIP: {
    skip 'nginx sends the length of the body that it leaves out', 1
        if is_oracle();
    is $t->request('POST', '/none', body => 'abc')->body,
        "CONTENT_LENGTH=0\nA=1\nHTTP_HOST=localhost\nbody=",
        'neither headers nor body';
}
like $t->get("/var?to=127.0.0.1:$up")->body, qr/^QUERY_STRING=to=/m, 'by variable';
like $t->get('/var?to=group')->body, qr/^QUERY_STRING=to=/m, 'a group by variable';
is $t->get('/var')->status, 500, 'no address';

# ---- answers

$r = $t->get('/?pieces');
is join(',', $r->status, $r->header('X-A'), $r->body), '404,one,hello',
    'a status line, in single bytes';
is $t->get('/?long')->body, 'hello', 'more than its length';
my $c = $t->connect;
$c->send("GET /?upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
         . "Upgrade: echo\r\n\r\n");
ok defined $c->read_until(qr/ 101 .*\r\n\r\n/s), 'another protocol';
$c->send('ping');
ok defined $c->read_until(qr/ping/), '... is a tunnel';

# ---- faults

my @faults = (
    ['/dead', 502, 'Connection refused'],
    ['/?nothing', 502, 'upstream prematurely closed connection'],
    ['/?cut', 502, 'upstream prematurely closed connection'],
    ['/?garbage', 502, 'upstream sent invalid header'],
    ['/?large', 502, 'upstream sent too big header'],
    ['/?status', 502, 'upstream sent invalid status "99'],
    ['/?early', 502, 'upstream sent invalid status "HTTP/1.1 100'],
    ['/?twice', 502, 'upstream sent duplicate header line: "Content-Length'],
    ['/?silence', 504, 'upstream timed out'],
);
for my $fault (@faults) {
    my ($uri, $status, $line) = @$fault;

    SKIP: {
        skip 'nginx has no such check', 2
            if is_oracle() && $uri =~ /early|twice/;
        is $t->get($uri)->status, $status, "$uri: the status";
        ok wait_until(sub { $t->read('error.log') =~ /\Q$line\E/ }, 5),
            "$uri: $line";
    }
}
ok !$t->get('/?short')->complete, 'a body that is too short is not complete';
$r = $t->get('/stalls?stalls');
ok !$r->complete && $r->body =~ /^hello/, 'nor one that stalls';

SKIP: {
    skip 'the variable came with nginx 1.23.2', 1 if is_oracle();
    my $tlv = pack 'C n/a', 0xee, "\0a\0\0b\0";
    my $got = $t->raw("\r\n\r\n\0\r\nQUIT\n"
        . pack('n n/a', 0x2111, pack('C8 n2', 1 .. 8, 9, 10) . $tlv)
        . "GET / HTTP/1.0\r\n\r\n", port => 'nul');
    like $got->body, qr/^A= a  b $/m, 'a NUL becomes a space';
}

# ---- configurations

for my $case (
    ['scgi_pass http://127.0.0.1;', 'invalid host in upstream "http://127'],
    ['scgi_param A b c;', 'invalid parameter "c"'],
    ['scgi_buffers 1 4k;', 'there must be at least 2 "scgi_buffers"'],
) {
    my ($conf, $error) = @$case;
    my $file = $t->write('wrong.conf', "events {}\nhttp { server { "
                         . "location / { $conf } } }\n");
    my ($code, $out, $err) = run_binary('-t', '-c', $file, '-p', $t->dir);
    like $err, qr/\[emerg\].*? \Q$error\E/, $conf;
}

done_testing;
