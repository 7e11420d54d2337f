"""Wiring mistakes fail while rendering, with a message that names the stack and the field."""

from dataclasses import dataclass

import pytest
from troposphere import GetAtt, Ref, Template, ec2

from generator.core import Stack, WireError, gather, nest, output, parameter, shown
from generator.kinds import KeyArn, SubnetIds, Text, VpcId


@dataclass(frozen=True)
class NoInputs:
    pass


@dataclass(frozen=True)
class HouseOutputs:
    vpc: VpcId = output("The VPC.")
    rooms: SubnetIds = output("The subnets.")


def build_house(template: Template, inputs: NoInputs) -> HouseOutputs:
    """A VPC with two subnets."""
    vpc = template.add_resource(ec2.VPC("Vpc", CidrBlock="10.0.0.0/16"))
    subnets = [
        template.add_resource(ec2.Subnet(f"Room{number}", VpcId=Ref(vpc), CidrBlock=f"10.0.{number}.0/24"))
        for number in (1, 2)
    ]
    return HouseOutputs(vpc=VpcId(Ref(vpc)), rooms=SubnetIds([Ref(subnet) for subnet in subnets]))


HOUSE = Stack("house", NoInputs, HouseOutputs, build_house)


@dataclass(frozen=True)
class GuestInputs:
    vpc: VpcId = parameter("Where the guest stays.")
    rooms: SubnetIds = parameter("The rooms that the guest may use.")
    name: Text = parameter("The guest's name.", Default="nobody", AllowedPattern="^[a-z]+$")


@dataclass(frozen=True)
class GuestOutputs:
    name: Text = output("The guest's name.")


def build_guest(template: Template, inputs: GuestInputs) -> GuestOutputs:
    """A guest of the house."""
    template.add_resource(ec2.SecurityGroup("Door", GroupDescription=inputs.name, VpcId=inputs.vpc))
    return GuestOutputs(name=inputs.name)


GUEST = Stack("guest", GuestInputs, GuestOutputs, build_guest)


@pytest.fixture
def root() -> Template:
    return Template()


def test_an_input_becomes_a_parameter_with_its_metadata_and_its_kinds_constraints() -> None:
    declared = GUEST.template().to_dict()["Parameters"]
    assert declared["Vpc"] == {"Type": "AWS::EC2::VPC::Id", "Description": "Where the guest stays."}
    assert declared["Rooms"]["Type"] == "List<AWS::EC2::Subnet::Id>"
    assert declared["Name"] == {
        "Type": "String",
        "Description": "The guest's name.",
        "Default": "nobody",
        "AllowedPattern": "^[a-z]+$",
    }


def test_the_docstring_of_build_is_the_description() -> None:
    assert HOUSE.template().to_dict()["Description"] == "A VPC with two subnets."


def test_a_list_leaves_a_stack_as_one_string() -> None:
    rooms = HOUSE.template().to_dict()["Outputs"]["Rooms"]["Value"]
    assert rooms == {"Fn::Join": [",", [{"Ref": "Room1"}, {"Ref": "Room2"}]]}


def test_an_output_is_wired_as_an_attribute_of_the_nested_stack(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    nest(root, GUEST, GuestInputs(vpc=house.vpc, rooms=house.rooms, name=Text("ada")))
    guest = root.to_dict()["Resources"]["Guest"]["Properties"]
    assert guest["TemplateURL"] == "guest.yaml"
    assert guest["Parameters"] == {
        "Vpc": {"Fn::GetAtt": ["House", "Outputs.Vpc"]},
        "Rooms": {"Fn::GetAtt": ["House", "Outputs.Rooms"]},
        "Name": "ada",
    }


def test_a_list_parameter_is_joined_when_it_is_handed_to_a_child(root: Template) -> None:
    nest(root, GUEST, GuestInputs(vpc=VpcId("v"), rooms=SubnetIds(Ref("MyRooms")), name=Text("ada")))
    arguments = root.to_dict()["Resources"]["Guest"]["Properties"]["Parameters"]
    assert arguments["Rooms"] == {"Fn::Join": [",", {"Ref": "MyRooms"}]}


def test_a_forgotten_wire_is_a_type_error_that_names_the_inputs_and_the_field(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    with pytest.raises(TypeError, match=r"GuestInputs.*missing.*'rooms'"):
        GuestInputs(vpc=house.vpc, name=Text("ada"))  # type: ignore[call-arg]


def test_a_misspelt_output_is_an_attribute_error_that_names_the_outputs_and_the_field(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    with pytest.raises(AttributeError, match=r"'HouseOutputs' object has no attribute 'room'"):
        house.room  # type: ignore[attr-defined] # noqa: B018


def test_a_wire_of_the_wrong_kind_names_stack_field_and_origin(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    wrong = GuestInputs(vpc=house.rooms, rooms=house.rooms, name=Text("ada"))  # type: ignore[arg-type]
    with pytest.raises(WireError) as error:
        nest(root, GUEST, wrong)
    assert str(error.value) == (
        "stack 'guest', input 'vpc': expected VpcId, got SubnetIds, output 'rooms' of stack 'house'"
    )


def test_a_bare_value_is_refused_as_it_has_no_kind(root: Template) -> None:
    with pytest.raises(WireError, match=r"stack 'guest', input 'name': expected Text, got 'ada'"):
        nest(root, GUEST, GuestInputs(vpc=VpcId("v"), rooms=SubnetIds("r"), name="ada"))  # type: ignore[arg-type]


def test_an_output_of_the_wrong_kind_is_refused() -> None:
    def build(template: Template, inputs: NoInputs) -> HouseOutputs:
        """A house whose VPC is a key."""
        return HouseOutputs(vpc=KeyArn("k"), rooms=SubnetIds("r"))  # type: ignore[arg-type]

    with pytest.raises(WireError, match=r"stack 'wrong', output 'vpc': expected VpcId, got KeyArn"):
        Stack("wrong", NoInputs, HouseOutputs, build).template()


def test_another_stacks_inputs_are_refused(root: Template) -> None:
    with pytest.raises(WireError, match=r"stack 'guest' takes GuestInputs, but was handed NoInputs"):
        nest(root, GUEST, NoInputs())  # type: ignore[arg-type]


def test_an_output_of_a_conditional_stack_is_empty_without_it(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs(), condition="HasHouse")
    assert root.to_dict()["Resources"]["House"]["Condition"] == "HasHouse"
    assert house.vpc.to_dict() == {"Fn::If": ["HasHouse", {"Fn::GetAtt": ["House", "Outputs.Vpc"]}, ""]}


def test_gather_takes_fields_of_the_same_name_and_explicit_wires_first(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    gathered = gather(GuestInputs, house, name=Text("ada"), vpc=VpcId("another"))
    assert gathered.rooms is house.rooms
    assert gathered.vpc.data == "another"


def test_gather_names_an_input_that_nobody_has(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    with pytest.raises(TypeError, match=r"GuestInputs.*'name'"):
        gather(GuestInputs, house)


def test_gather_refuses_to_choose_between_two_sources(root: Template) -> None:
    house = nest(root, HOUSE, NoInputs())
    with pytest.raises(
        WireError, match=r"GuestInputs: input 'vpc' is found in both HouseOutputs and HouseOutputs"
    ):
        gather(GuestInputs, house, house, name=Text("ada"))


def test_a_shown_parameter_has_the_childs_sentence_and_constraints() -> None:
    @dataclass(frozen=True)
    class FormInputs:
        name: Text = shown(GuestInputs, group="Guests", label="Your name", Default="ada")

    def build(template: Template, inputs: FormInputs) -> GuestOutputs:
        """A form."""
        return GuestOutputs(name=inputs.name)

    template = Stack("form", FormInputs, GuestOutputs, build).template().to_dict()
    assert template["Parameters"]["Name"]["Description"] == "The guest's name."
    assert template["Parameters"]["Name"]["Default"] == "ada"
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    assert interface["ParameterGroups"] == [{"Label": {"default": "Guests"}, "Parameters": ["Name"]}]
    assert interface["ParameterLabels"] == {"Name": {"default": "Your name"}}


def test_a_shown_parameter_that_the_child_does_not_have_is_refused() -> None:
    @dataclass(frozen=True)
    class FormInputs:
        nickname: Text = shown(GuestInputs, group="Guests", label="Your name")

    with pytest.raises(WireError, match=r"parameter 'nickname' of the root shows no input .* of GuestInputs"):
        Stack("form", FormInputs, HouseOutputs, build_house).template()  # type: ignore[arg-type]


def test_a_stack_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stack 'mute': <lambda> needs a docstring"):
        Stack("mute", NoInputs, NoInputs, lambda template, inputs: NoInputs()).template()


def test_only_a_parameter_can_stand_inside_sub() -> None:
    assert Text(Ref("Name")).in_sub == "${Name}"
    with pytest.raises(WireError, match="is no parameter"):
        Text(GetAtt("House", "Arn"), origin="output 'x' of stack 'house'").in_sub  # noqa: B018
