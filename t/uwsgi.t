# SPDX-License-Identifier: BSD-2-Clause
#
# uwsgi: what a server is sent, what becomes of its answers, servers that fail,
# and the configurations that are refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_uwsgi');

my $type = "Content-Type: text/plain\r\n\r\n";
my %answers = (
    pieces => "HTTP/1.1 404 Not Found\r\nX-A: one\r\n${type}hello",
    status => "HTTP/1.1 200 OK\r\nStatus: 404 No\r\n${type}hello",
    nothing => '',
    cut => "HTTP/1.1 200 OK\r\nX-A",
    garbage => "just some text\r\n\r\nhello",
    large => "HTTP/1.1 200 OK\r\nX-A: " . 'a' x 70_000 . "\r\n$type",
    short => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n${type}hello",
    long => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${type}hello world",
);

# The bytes of a request's header and pairs
sub pairs_of {
    my ($bytes) = @_;
    my @list;

    while (length $bytes) {
        push @list, unpack 'v/a', $bytes;
        substr $bytes, 0, 2 + length $list[-1], '';
    }
    return @list;
}

sub serve {
    my ($c) = @_;
    my $head = $c->read_until(qr/\A.{4}/s) // return;
    my ($one, $n, $two) = unpack 'CvC', $head;
    my $text = '';
    while (length $text < $n) {
        my $want = $n - length $text > 30_000 ? 30_000 : $n - length $text;
        $text .= $c->read_until(qr/\A.{$want}/s) // return;
    }
    my $string = $text =~ s/(CONTENT)\z// ? $1 : '';
    my @list = pairs_of($text);
    my %params = @list;
    my $length = $params{CONTENT_LENGTH} || 0;
    my $body = $length ? $c->read_until(qr/\A.{$length}/s) // '' : '';
    my $answer = $answers{ $params{QUERY_STRING} // '' };

    if (defined $answer) {
        $c->send_pieces($answer, $params{QUERY_STRING} eq 'pieces' ? 1 : 9999);
        return;
    }
    my $told = "$one,$two\n";
    while (my ($name, $value) = splice @list, 0, 2) {
        $told .= length $value > 100 ? "$name=" . length($value) . "\n"
            : "$name=$value\n";
    }
    $c->send("HTTP/1.1 200 OK\r\n$type${told}string=$string\nbody=$body");
}

my $app = Weir::Backend->tcp(\&serve);
my $up = $app->port;
my $t = Weir::Test->new;

$t->expect_log(qr/uwsgi request is too big/);
$t->run(<<"EOC");
%%HTTP%%
    large_client_header_buffers 8 64k;
    uwsgi_param QUERY_STRING \$query_string;
    uwsgi_param CONTENT_LENGTH \$content_length;
    upstream group { server 127.0.0.1:$up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { uwsgi_pass 127.0.0.1:$up; }
        location /scheme { uwsgi_pass uwsgi://127.0.0.1:$up; }
        location /var { uwsgi_pass \$arg_to; }
        location /dead { uwsgi_pass 127.0.0.1:%%PORT_dead%%; }
        location /whole { uwsgi_pass 127.0.0.1:$up;
                          uwsgi_request_buffering off; }
        location /mod { uwsgi_pass group; uwsgi_modifier1 5;
                        uwsgi_modifier2 200; uwsgi_string CONTENT; }
    }
}
EOC

# ---- requests

my $r = $t->request('POST', '/', body => 'abc', close => 1);
like $r->body, qr/^0,0\nQUERY_STRING=\nCONTENT_LENGTH=3\n.*\nbody=abc$/s,
    'parameters and body';
like $r->body, qr/\nHTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=3\n/,
    'the headers of the client';
like $t->get('/scheme')->body, qr/^QUERY_STRING=$/m, 'with the scheme';
like $t->get("/var?to=uwsgi://127.0.0.1:$up")->body, qr/^QUERY_STRING=to/m,
    'by variable';
like $t->get('/var?to=group')->body, qr/^QUERY_STRING=to/m, 'a group';
is $t->get('/var')->status, 500, 'no address';
like $t->get('/mod')->body, qr/^5,200\n.*\nstring=CONTENT\nbody=$/s,
    'modifiers, and a string after the parameters';
SKIP: {
    skip_before('1.29.6', 'unknown lengths without buffering', 1);
    like $t->request('POST', '/whole', chunks => ['abc', 'de'])->body,
        qr/^CONTENT_LENGTH=5\n.*\nbody=abcde$/ms,
        'a body of unknown length is read first';
}
like $t->get('/', headers => ['X-A' => 'a' x 60_000])->body,
    qr/^HTTP_X_A=60000$/m, 'a large header';
is $t->get('/', headers => [map { ("X-$_" => 'a' x 40_000) } 1, 2])->status,
    500, 'more than the two bytes of a length allow';
like $t->read('error.log'), qr/uwsgi request is too big: \d+/, '... logged';

# ---- answers

$r = $t->get('/?pieces');
is join(',', $r->status, $r->header('X-A'), $r->body), '404,one,hello',
    'a status line, in single bytes';
$r = $t->get('/?status');
is $r->status . $r->header('Status'), '200404 No', 'it beats a Status header';
is $t->get('/?long')->body, 'hello', 'more than its length';

# ---- faults

for my $fault (
    ['/dead', 'Connection refused'],
    ['/?nothing', 'upstream prematurely closed connection'],
    ['/?cut', 'upstream prematurely closed connection'],
    ['/?garbage', 'upstream sent invalid header'],
    ['/?large', 'upstream sent too big header'],
) {
    my ($uri, $line) = @$fault;

    is $t->get($uri)->status, 502, "$uri: the status";
    ok wait_until(sub { $t->read('error.log') =~ /\Q$line\E/ }, 5),
        "$uri: $line";
}
ok !$t->get('/?short')->complete, 'a body that is too short is not complete';

# ---- configurations

for my $case (
    ['uwsgi_pass http://127.0.0.1;', 'invalid host in upstream "http://127'],
    ['uwsgi_modifier1 256;', 'value must be'],
    ['uwsgi_param A b c;', 'invalid parameter "c"'],
    ['uwsgi_buffers 1 4k;', 'there must be at least 2 "uwsgi_buffers"'],
) {
    my ($conf, $error) = @$case;
    my $file = $t->write('wrong.conf', "events {}\nhttp { server { "
                         . "location / { $conf } } }\n");
    my ($code, $out, $err) = run_binary('-t', '-c', $file, '-p', $t->dir);
    like $err, qr/\[emerg\].*? \Q$error\E/, $conf;
}

done_testing;
