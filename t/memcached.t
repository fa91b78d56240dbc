# SPDX-License-Identifier: BSD-2-Clause
#
# memcached: a real server, whose values are responses, connections to it that
# are kept, and servers that answer wrongly or fail.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Weir::Program;
use Weir::Test;

need_module('http_memcached');
need_program('memcached');

my $t = Weir::Test->new;
my $port = $t->port('memcached');
Weir::Program->new(
    command => ['memcached', '-l', '127.0.0.1', '-p', $port, '-U', 0, '-I', '8m',
                $> == 0 ? ('-u', 'nobody') : ()],
    ports => [$port], log => $t->path('memcached.log'));

my $store = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
    or die "memcached: $!\n";

sub store {
    my ($key, $value, $flags) = @_;

    printf $store "set %s %d 0 %d\r\n%s\r\n", $key, $flags // 0, length $value,
        $value;
    my $said = <$store> // 'nothing';
    die "memcached says $said" if $said ne "STORED\r\n";
}

# connections(): how many it has had, without ours
sub connections {
    my $n;

    print $store "stats\r\n";
    while (defined(my $line = <$store>)) {
        $n = $1 if $line =~ /^STAT total_connections (\d+)/;
        return $n if $line eq "END\r\n";
    }
    die "memcached has closed\n";
}

my $large = join '', map { pack 'N', $_ * 7919 } 1 .. 1_000_000;
store('/page', 'a page');
store('/page.html', '<p>');
store('/large', $large);
store('/empty', '');
store('/stub/text', 'stored');
store('/end', "x\r\nEND\r\n");
store('/a%20b%25%0A', 'blanks');
store('/utf\xc3\xa4', 'utf');
store('zipped', 'no real gzip', 2);
store('other', 'other flags', 5);

# Answers of a server that is not one
my %answers = (
    key => "VALUE /stub/other 0 1\r\nx\r\nEND\r\n",
    longer => "VALUE /stub/longers 0 1\r\nx\r\nEND\r\n",
    flags => "VALUE %s x 1\r\nx\r\nEND\r\n",
    length => "VALUE %s 0 1x\r\nx\r\nEND\r\n",
    minus => "VALUE %s 0 -1\r\nx\r\nEND\r\n",
    huge => "VALUE %s 0 9999999999999999999\r\nx\r\nEND\r\n",
    error => "SERVER_ERROR out of memory\r\n",
    text => "hello\r\n",
    long => 'VALUE ' . 'x' x 5000,
    nothing => '',
    cut => "VALUE %s 0 ",
    short => "VALUE %s 0 10\r\nhello",
    noend => "VALUE %s 0 5\r\nhello",
    badend => "VALUE %s 0 5\r\nhello world\r\nEND\r\n",
    more => "VALUE %s 0 5\r\nhello\r\nEND\r\nVALUE",
    pieces => "VALUE %s 0 5\r\nhello\r\nEND\r\n",
    missing => "END\r\n",
);
my $stub = Weir::Backend->tcp(sub {
    my ($c) = @_;

    while (defined(my $line = $c->read_until(qr/\r\n/))) {
        my ($key, $name) = $line =~ m{^get (/\w+/(\w+))} or return;
        my $answer = $answers{$name} // return;
        $answer =~ s/%s/$key/;
        $c->send_pieces($answer, $name eq 'pieces' ? 1 : 9999);
        return if $name !~ /^(more|badend|pieces|missing)$/;
    }
});
my $dumb = Weir::Backend->tcp(sub { $_[0]->read_all });
my ($odd, $silent) = ($stub->port, $dumb->port);

$t->run(<<"EOC");
%%HTTP%%
    upstream kept { server 127.0.0.1:$port; keepalive 1; }
    upstream stubs { server 127.0.0.1:$odd; keepalive 1; }
    upstream two { server 127.0.0.1:$odd max_fails=0; server 127.0.0.1:$port backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        types { text/html html; }
        default_type text/plain;
        set \$memcached_key \$uri;
        location / { memcached_pass 127.0.0.1:$port; }
        location /kept/ { set \$memcached_key /page; memcached_pass kept; }
        location /arg { set \$memcached_key \$arg_k; memcached_pass 127.0.0.1:$port; }
        location /gzip { set \$memcached_key \$arg_k; memcached_gzip_flag 2; memcached_pass 127.0.0.1:$port; }
        location /stub/ { memcached_pass stubs; }
        location /page/stub/ { memcached_pass 127.0.0.1:$odd; }
        location /next/ { set \$memcached_key \$arg_k; memcached_next_upstream invalid_response not_found; memcached_pass two; }
        location /stay/ { set \$memcached_key \$arg_k; memcached_next_upstream off; memcached_pass two; }
        location /dead { memcached_pass 127.0.0.1:%%PORT_dead%%; }
        location /slow { memcached_read_timeout 200ms; memcached_pass 127.0.0.1:$silent; }
        location /or/ { error_page 404 502 504 = \@app; memcached_pass 127.0.0.1:$port; }
        location \@app { return 200 "made by the application"; }
        location /if { if (\$arg_x) { memcached_pass 127.0.0.1:$port; } return 200 no; }
        location /bind { set \$memcached_key /page; memcached_bind 127.0.0.2; memcached_socket_keepalive on;
                         memcached_buffer_size 1k; memcached_pass 127.0.0.1:$port; }
    }
}
EOC

# ---- values

my $r = $t->get('/page');
is join(',', map { $_ // '-' } $r->status, $r->body, $r->header('Content-Length'),
        $r->header('Content-Type'), $r->header('Accept-Ranges')),
    '200,a page,6,text/plain,bytes', 'a value';
is $t->get('/page.html')->header('Content-Type'), 'text/html',
    'the type by the extension';
$r = $t->head('/page');
is $r->status . $r->header('Content-Length') . $r->body, '2006', 'HEAD';
ok $t->get('/large')->body eq $large, '4 MB';
is $t->get('/empty')->status, 200, 'an empty value';
is $t->get('/end')->body, "x\r\nEND\r\n", 'a value that has an end in it';
is $t->get('/a%20b%25%0a')->body, 'blanks', 'blanks are escaped';
is $t->get('/utf%c3%a4')->status, 404, 'other bytes are not';
is $t->get('/none')->status, 404, 'no value';
like $t->get('/none')->body, qr/<h1>404 Not Found/, '... is our page';
is $t->get('/or/none')->body, 'made by the application', '... or error_page';
is $t->get('/arg')->status, 500, 'no key';
is $t->post('/page', 'x')->status, 405, 'POST';
is $t->get('/page', headers => [Range => 'bytes=2-3'])->body, 'pa', 'a range';
is $t->request('GET', '/page', body => 'x' x 1000)->body, 'a page',
    'a GET with a body';
is $t->get('/bind')->body, 'a page', 'memcached_bind';
$r = $t->get('/gzip?k=zipped');
is $r->header('Content-Encoding') . $r->body, 'gzipno real gzip',
    'the flag of gzip';
is $t->get('/gzip?k=other')->header('Content-Encoding'), undef, 'other flags';
is $t->get('/arg?k=zipped')->header('Content-Encoding'), undef, 'not asked for';
is $t->get('/if')->body, 'no', 'if: no';

# ---- connections

$t->get('/kept/');
my $before = connections();
$t->get('/kept/') for 1 .. 5;
if (!is_oracle()) { # nginx closes
    $t->head('/kept/') for 1 .. 5;
}
is connections(), $before, 'connections are kept';
$t->get('/page') for 1 .. 2;
is connections(), $before + 2, '... in an upstream only';

# ---- odd answers

for my $case (
    ['key', 'invalid key in response "VALUE /stub/other 0 1" for key "/stub/key"'],
    ['longer', 'invalid'], ['flags', 'invalid'],
    ['length', 'invalid length in response "VALUE /stub/length 0 1x" for key'],
    ['minus', 'invalid length'], ['huge', 'invalid length'],
    ['error', 'invalid response: "SERVER_ERROR out of memory"'],
    ['text', 'invalid response: "hello"'],
) {
    my ($name, $line) = @$case;

    # nginx looks at flags only with memcached_gzip_flag.
    is $t->get("/stub/$name")->status,
        is_oracle() && $name =~ /flags/ ? 200 : 502, $name;
    like $t->read('error.log'), qr/memcached sent \Q$line\E/, '... in the log';
}
is $t->get("/stub/$_")->status, 502, $_ for qw(long nothing cut);
like $t->read('error.log'),
    qr/upstream sent too big header .*upstream: "memcached:\/\/127.0.0.1:$odd", host/,
    'the log says too big';
$r = $t->get('/stub/short');
is $r->complete . $r->body, '0hello', 'a value that breaks off';
for my $name (qw(noend badend more pieces)) {
    $r = $t->get("/stub/$name");
    is $r->complete . $r->body, '1hello', "the end of the value: $name";
}

# One after the other over one connection of a client: the end of the last
# answer has come.
my $client = $t->connect;
sub again {
    $client->send_request('GET', "/stub/$_[0]");
    return $client->read_response;
}

is again('pieces')->body, 'hello', 'in pieces';
my $accepted = $stub->connections;
is again('missing')->status, 404, 'no value';
is again('pieces')->body, 'hello', '... and one';
is $stub->connections, $accepted, '... over one connection';
is again('more')->body, 'hello', 'more than there should be';
is again('badend')->body, 'hello', '... and a wrong end';
is $stub->connections, $accepted + 1, '... over another connection';

# ---- servers that fail

is $t->get('/dead')->status, 502, 'no server';
is $t->get('/slow')->status, 504, 'a server that says nothing';
is $t->get('/next/?k=/stub/text')->body, 'stored', 'an invalid response: the next';
is $t->get('/stay/?k=/stub/text')->status, 502, '... not with off';
is $t->get('/next/?k=/stub/missing')->status, 404, 'not_found: nor has the next';

# ---- configurations

for my $case (
    ['memcached_pass 127.0.0.1:1;', 'unknown "memcached_key" variable'],
    ['memcached_next_upstream http_500;', 'invalid value "http_500"'],
    ['memcached_next_upstream invalid_header;', 'invalid value "invalid_header"'],
    ['memcached_gzip_flag x;', 'invalid number'],
) {
    my ($conf, $error) = @$case;

    like conf_test("%%HTTP%%\nserver { location / { $conf } } }\n")->{err},
        qr/\[emerg\].*?\Q$error\E/, $conf;
}

done_testing;
