# SPDX-License-Identifier: BSD-2-Clause
#
# The header of the PROXY protocol: which lines are taken, what the variables
# say of them, and the TLVs of version 2.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $has_tlvs = version_at_least('1.23.2');
my @tlvs = qw(alpn 0x01 0x02 0xee 0x101 0x 0xzz nothing
    ssl ssl_verify ssl_version ssl_0x21 ssl_cn ssl_0x22 ssl_0x77);
my $tlvs = join ',', map { "$_=\$proxy_protocol_tlv_$_" } @tlvs;
$t->run(<<"EOC");
%%HTTP%%
    log_format who '\$proxy_protocol_addr|\$proxy_protocol_port|'
                   '\$proxy_protocol_server_addr|\$proxy_protocol_server_port';
    server {
        listen 127.0.0.1:%%PORT%% proxy_protocol;
        access_log %%TESTDIR%%/who.log who;
        location / {
            return 200 '\$proxy_protocol_addr|\$proxy_protocol_port|\$proxy_protocol_server_addr|\$proxy_protocol_server_port';
        }
        @{[ $has_tlvs ? "location /tlvs { return 200 '$tlvs'; }" : '' ]}
    }
}
EOC

sub said { my ($header, $path) = @_;
    $path //= '/';
    return $t->raw("${header}GET $path HTTP/1.1\r\nHost: x\r\n"
        . "Connection: close\r\n\r\n")->body // '' }

my %v1 = (
    'TCP4 1.2.3.4 5.6.7.8 1 2' => '1.2.3.4|1|5.6.7.8|2',
    'TCP6 ::1 ::2 65535 0' => '::1|65535|::2|',
    'TCP6 2001:db8::1 192.0.2.1 51512 22' => '2001:db8::1|51512|192.0.2.1|22',
    'TCP4 192.0.2.1 2001:db8::1 51512 22' => '192.0.2.1|51512|2001:db8::1|22',
    'TCP4 ::ffff:1.2.3.4 5.6.7.8 1 2' => '::ffff:1.2.3.4|1|5.6.7.8|2',
    'TCP4 1.2.3.400 5.6.7.8 1 2' => '1.2.3.400|1|5.6.7.8|2',
    'TCP4 1.2.3.4 5.6.7.8 01 0002' => '1.2.3.4|1|5.6.7.8|2',
    'TCP4 1.2.3.4 5.6.7.8 1 65536' => '',
    'TCP4 1.2.3.4 5.6.7.8 1 ' => '',
    'TCP4 1.2.3.4 5.6.7.8 1' => '',
    'TCP4 1.2.3.4 5.6.7.8 1 2 3' => '',
    'TCP4 x.2.3.4 5.6.7.8 1 2' => '',
    'TCP5 1.2.3.4 5.6.7.8 1 2' => '',
    'UNKNOWN' => '|||',
    'UNKNOWN ::1 ::2 1 2' => '|||',
);
is said("PROXY $_\r\n"), $v1{$_}, "version 1: $_" for sort keys %v1;

sub v2 { my ($kind, $body) = @_;
    return "\r\n\r\n\0\r\nQUIT\n" . pack 'n n/a', $kind, $body }
my $four = pack 'C8 n2', 1 .. 8, 9, 10;
my $six = pack 'x15 C x15 C n2', 1, 2, 9, 10;

is said(v2(0x2111, $four)), '1.2.3.4|9|5.6.7.8|10', 'version 2: IPv4';
is said(v2(0x2121, $six)), '::1|9|::2|10', 'version 2: IPv6';
is said(v2(0x2011, $four)), '|||', 'version 2: LOCAL';
is said(v2(0x2112, $four)), '|||', 'version 2: UDP';
is said(v2(0x2131, 'a' x 216)), '|||', 'version 2: unix sockets';
is said(v2(0x2131, 'short')), '|||', 'version 2: a short unix socket';
is said(v2(0x2100, 'abc')), '|||', 'version 2: unspecified';
is said(v2(0x2111, 'short')), '', 'version 2: too short';

for my $size (is_oracle() ? () : (1, 5)) { # nginx takes it whole, or not
    my $c = $t->connect;

    $c->send_pieces("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n"
        . "Host: x\r\nConnection: close\r\n\r\n", $size);
    is $c->read_response->body, '1.2.3.4|1|5.6.7.8|2', "$size bytes at a time";
}
for my $cut ('', 'PROXY TCP4 1.2.3.4 5') {
    my $c = $t->connect;

    $c->send($cut);
    $c->shutdown_write;
    ok $c->closed, 'closed within the header: "' . $cut . '"';
}
my $kept = $t->connect;
$kept->send("PROXY UNKNOWN\r\n");
is $kept->get('/')->body, '|||', 'a connection from nobody known';
is $kept->get('/')->body, '|||', 'is kept';

ok wait_until(sub { 9 == grep { $_ eq '-|-|-|-' } $t->log('who.log') }),
    'what is not known is not there';

if ($has_tlvs) {
    my sub tlv { my ($type, $text) = @_; return pack 'C n/a', $type, $text }
    my sub tlvs { my ($header) = @_;
        return { map { split /=/, $_, 2 } split /,/, said($header, '/tlvs') } }
    my sub errors { my ($text) = @_;
        return scalar grep { /\[error\].*\Q$text\E/ } $t->log }
    my $ssl = pack 'C N', 1, 7;
    $ssl .= tlv(0x21, 'TLSv1.3') . tlv(0x22, 'name');
    my $all = tlv(1, 'h2') . tlv(2, '') . tlv(0x20, $ssl) . tlv(0xee, 'mine');
    my $got = tlvs(v2(0x2111, $four . $all));

    is $got->{alpn}, 'h2', 'a TLV by name';
    is $got->{'0x01'}, 'h2', 'by number';
    is $got->{'0x02'}, '', 'an empty one';
    is $got->{'0xee'}, 'mine', 'of an unknown type';
    is $got->{'0x101'}, '', 'a number that no type has';
    is $got->{ssl_verify}, 7, 'the verify word';
    is $got->{ssl_version}, 'TLSv1.3', 'inside of SSL by name';
    is $got->{ssl_0x21}, 'TLSv1.3', 'by number';
    is $got->{ssl_cn}, 'name', 'another by name';
    is $got->{ssl_0x22}, 'name', 'and by number';
    is $got->{ssl_0x77}, '', 'one that is not there';
    is errors('unknown PROXY protocol TLV "nothing"'), 1,
        'an unknown name is logged';
    is errors("invalid PROXY protocol TLV \"$_\""), 1,
        "no number, $_, is logged" for qw(0x 0xzz);
    is errors('broken PROXY protocol TLV'), 0, 'none is broken';

    $got = tlvs(v2(0x2111, $four . tlv(1, 'h2') . "\2\0\xffx"));
    is $got->{alpn}, 'h2', 'a TLV in front of a broken one';
    is $got->{'0xee'}, '', 'one behind it';
    isnt errors('broken PROXY protocol TLV'), 0, 'is logged';

    for my $kind (0x2112, 0x2131, 0x2100, 0x2011) {
        my $size = $kind == 0x2131 ? 'a' x 216 : $kind == 0x2100 ? '' : $four;

        is tlvs(v2($kind, $size . $all))->{alpn}, '',
            sprintf 'nothing is kept of kind %x', $kind;
    }
}

done_testing;
